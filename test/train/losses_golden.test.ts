import { expect } from 'chai'
import { Dataset } from '../../lib/data/dataset.js'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { linear, relu } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { adam, type OptimizerSpec, sgd } from '../../lib/optim/spec.js'
import type { Tensor } from '../../lib/tensor/tensor.js'
import { evaluate } from '../../lib/train/evaluate.js'
import type { Loss } from '../../lib/train/losses.js'
import { train } from '../../lib/train/train.js'
import { expectClose } from '../support/close.js'
import { device } from '../support/device.js'
import { readGolden } from '../support/golden.js'

interface Case {
  readonly name: string
  readonly target: 'numbers' | 'labels' | 'classes'
  readonly loss: Loss
  readonly optimizer: { readonly kind: 'sgd' | 'adam'; readonly lr: number }
  readonly accumulate?: number
  readonly clip?: { readonly norm?: number; readonly value?: number }
  readonly scale?: number
}

const { fixture, tensor: golden } = readGolden<{ cases: Case[]; batch: number }>('losses', 'cpu')

const OUTPUTS = { numbers: 2, labels: 5, classes: 4 }

const PARAMETERS = ['fc1.weight', 'fc1.bias', 'fc2.weight', 'fc2.bias'] as const

async function startOf(target: Case['target']) {
  const net = network([6], { fc1: linear(6, 16), relu: relu(), fc2: linear(16, OUTPUTS[target]) }, { device })
  await net.loadStateDict(
    Object.fromEntries(PARAMETERS.map((name) => [name, golden(`initial.${target}.${name}`)])),
  )
  return net
}

/** The fixture's batches, `each` of them in a pass, one pass after the other. */
function batchesInTurn(target: Case['target'], each: number): Dataset {
  const samples = golden('samples')
  const targets = golden(target)
  const rows = (values: Tensor, batch: number) =>
    values.slice(0, batch * fixture.batch, (batch + 1) * fixture.batch)
  let next = 0
  return Dataset.fromBatches(
    function* () {
      for (let i = 0; i < each; i++) {
        const batch = next++
        yield { images: rows(samples, batch), labels: rows(targets, batch) }
      }
    },
    {
      sampleShape: [6],
      targetShape: targets.shape.slice(1),
      targetDtype: target === 'classes' ? 'int64' : 'float32',
      batches: each,
      ahead: 1,
    },
  )
}

describe('losses against Python', () => {
  for (const { name, target, loss, optimizer, accumulate = 1, clip, scale } of fixture.cases) {
    it(`are the same over 50 batches, and so is what they leave: ${name}`, async () => {
      using net = await startOf(target)
      const { kind, ...options } = optimizer
      const spec: OptimizerSpec = kind === 'sgd' ? sgd(options) : adam(options)
      const { epochs } = await train(net as AnyNetwork, batchesInTurn(target, accumulate), {
        epochs: 50 / accumulate,
        optimizer: spec,
        loss,
        accumulate,
        clipGradients: clip,
        ...(scale !== undefined && { lrScale: { fc1: scale } }),
      })
      const expected = golden(`${name}.losses`).toArray() as number[]
      let largest = 0
      for (const [i, epoch] of epochs.entries()) {
        const mean = expected.slice(i * accumulate, (i + 1) * accumulate).reduce((a, b) => a + b) / accumulate
        largest = Math.max(largest, Math.abs(epoch.loss - mean) / mean)
      }
      expect(epochs.length).to.equal(50 / accumulate)
      expect(largest, 'relative difference of losses').to.be.below(1e-5)
      for (const parameter of PARAMETERS) {
        using actual = net.tensor(parameter).detach()
        expectClose(actual.to('cpu'), golden(`${name}.${parameter}`), parameter, 'training')
      }
    })

    it(`are judged by the same figures: ${name}`, async () => {
      using net = await startOf(target)
      await net.loadStateDict(Object.fromEntries(PARAMETERS.map((each) => [each, golden(`${name}.${each}`)])))
      const dataset = Dataset.from(golden('samples'), golden(target))
      const found = await evaluate(net as AnyNetwork, dataset, { loss, batchSize: 37 })
      const figures =
        found.kind === 'classes'
          ? [found.loss, found.top1Error]
          : found.kind === 'labels'
            ? [found.loss, found.labelError, found.exactMatch, found.f1, found.macroF1]
            : [found.loss, found.mse, found.mae, found.r2]
      const expected = golden(`${name}.metrics`).toArray() as number[]
      expect(figures.length).to.equal(expected.length)
      for (const [i, figure] of figures.entries()) expect(figure).to.be.closeTo(expected[i]!, 1e-5, `${i}`)
      expect(found.error).to.equal(found.kind === 'regression' ? found.loss : figures[1])
      expect(found.samples).to.equal(800)
    })
  }
})
