import { expect } from 'chai'
import { Dataset } from '../../lib/data/dataset.js'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { conv2d, linear, relu } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { adam, type OptimizerSpec, sgd } from '../../lib/optim/spec.js'
import { prune } from '../../lib/prune/prune.js'
import { criteria } from '../../lib/prune/score/index.js'
import { sensitivity } from '../../lib/studies/sensitivity.js'
import { tensor } from '../../lib/tensor/from.js'
import type { Tensor } from '../../lib/tensor/tensor.js'
import { evaluate, predict } from '../../lib/train/evaluate.js'
import { type Loss, losses } from '../../lib/train/losses.js'
import { train } from '../../lib/train/train.js'
import { expectClose } from '../support/close.js'
import { device } from '../support/device.js'
import { readGolden } from '../support/golden.js'
import { laterRefusal, refusal } from '../support/refusal.js'
import { numbers, toyData, toyNetwork } from './toy.js'

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

/** Points of 6 numbers, and the sums of two of them. */
function sums(count = 96, seed = 1): Dataset {
  const values = numbers(count * 6, seed)
  const targets = Array.from({ length: count }, (_, i) => [values[6 * i]! + values[6 * i + 1]!])
  return Dataset.from(tensor(values, { shape: [count, 6] }), tensor(targets))
}

const regression = () => network([6], { fc1: linear(6, 16), relu: relu(), fc2: linear(16, 1) }, { device })
const loss = losses.mse()
const plan = { epochs: 6, optimizer: sgd({ lr: 0.1, momentum: 0.9 }), batchSize: 16, loss }

describe('a regression', () => {
  it('is trained, judged, pruned and retrained, its seals bit for bit', async () => {
    using net = regression()
    const { train: set, validation } = sums().split(32)
    const before = await evaluate(net, validation, { loss })
    const { epochs } = await train(net, set, { ...plan, validation })
    const after = await evaluate(net, validation, { loss })
    expect(after.mse).to.be.below(before.mse / 4)
    expect(after.r2).to.be.above(0.7)
    expect(after.error).to.equal(after.loss)
    expect(epochs.at(-1)!.validationError).to.equal(after.loss)
    expect(epochs.at(-1)!.trainError).to.equal(epochs.at(-1)!.loss)

    const clipGradients = { norm: 0.5 }
    const { rounds } = await prune(
      net,
      { train: set, validation },
      {
        criterion: criteria.magnitude().density({ fc1: 0.4 }),
        rounds: 2,
        retrain: { ...plan, accumulate: 2, clipGradients },
      },
    )
    const now = await evaluate(net, validation, { loss })
    expect(rounds[1]!.validation).to.deep.equal(now)
    expect(rounds[1]!.validationError).to.equal(now.loss)
    expect(rounds[1]!.validationError).to.be.below(rounds[1]!.validationErrorBefore)
    await net.assertSealed()
    const { denseError } = await sensitivity(net, validation, { loss, densities: [0.5], layers: ['fc1'] })
    expect(denseError).to.equal(now.loss)
  })

  it('learns from a teacher beside its targets', async () => {
    const set = sums()
    using teacher = regression()
    await train(teacher, set, plan)
    const distances: number[] = []
    for (const weight of [0, 1]) {
      using student = network(
        [6],
        { fc1: linear(6, 16), relu: relu(), fc2: linear(16, 1) },
        { seed: 5, device },
      )
      const { epochs } = await train(student, set, {
        ...plan,
        distillation: { teacher: teacher as AnyNetwork, weight },
      })
      distances.push(epochs.at(-1)!.loss)
    }
    expect(Math.max(...distances)).to.be.below(0.1)
    expect(distances[0]).to.not.equal(distances[1])
  })

  it('takes images as targets: outputs and targets of any one shape', async () => {
    using net = network([6], { fc: linear(6, 4) }, { device })
    const set = Dataset.from(
      tensor(numbers(48), { shape: [8, 6] }),
      tensor(numbers(32), { shape: [8, 4], dtype: 'float64' }),
    )
    const { epochs } = await train(net, set, { ...plan, loss: losses.huber({ delta: 0.1 }) })
    expect(epochs[5]!.loss).to.be.below(epochs[0]!.loss)
    expect(set.targetShape).to.deep.equal([4])
  })
})

describe('targets that do not fit', () => {
  const six = (labels: Tensor) => Dataset.from(tensor(numbers(18), { shape: [3, 6] }), labels)
  const classes = (...labels: number[]) => six(tensor(labels, { dtype: 'int64' }))
  const cases: [RegExp, () => AnyNetwork, Dataset, Loss][] = [
    [
      /^losses\.mse\(\) takes float targets, the training set holds whole numbers: convert them/,
      regression,
      classes(0, 1, 2),
      loss,
    ],
    [
      /^cross-entropy takes classes as labels, the training set holds float targets: choose/,
      toyNetwork,
      sums(3),
      losses.crossEntropy(),
    ],
    [
      /^the network's output is \[3\] for each sample, the targets of the training set are \[1\]: they must have one shape$/,
      toyNetwork,
      sums(3),
      loss,
    ],
    [
      /the targets of the training set are \[\]: they must have one shape, so reshape the targets$/,
      regression,
      six(tensor([0, 1, 2], { dtype: 'float32' })),
      loss,
    ],
    [
      /^the training set has a label -1: labels are 0 or more; losses\.crossEntropy\(\{ ignoreIndex \}\)/,
      toyNetwork,
      classes(0, -1, 2),
      losses.crossEntropy(),
    ],
    [
      /^the training set has a label -1/,
      toyNetwork,
      classes(0, -1, -100),
      losses.crossEntropy({ ignoreIndex: -100 }),
    ],
    [
      /^the training set has a label 3, the network has outputs for 3 classes/,
      toyNetwork,
      classes(0, 1, 3),
      losses.crossEntropy({ ignoreIndex: -100 }),
    ],
    [
      /^every label of the training set is ignored/,
      toyNetwork,
      classes(1, 1, 1),
      losses.crossEntropy({ ignoreIndex: 1 }),
    ],
    [
      /weight must hold a number for each of the network's 3 classes, got 2$/,
      toyNetwork,
      classes(0, 1, 2),
      losses.crossEntropy({ weight: [1, 2] }),
    ],
    [
      /^binary cross-entropy takes targets in 0\.\.1, the training set holds 2$/,
      toyNetwork,
      six(
        tensor([
          [0, 1, 0],
          [2, 0, 0],
          [1, 1, 1],
        ]),
      ),
      losses.binaryCrossEntropyWithLogits(),
    ],
    [
      /posWeight must hold a number for each of the 3 labels, got 2$/,
      toyNetwork,
      six(
        tensor([
          [0, 1, 0],
          [0, 0, 0],
          [1, 1, 1],
        ]),
      ),
      losses.binaryCrossEntropyWithLogits({ posWeight: [1, 2] }),
    ],
  ]
  for (const [says, make, set, wanted] of cases) {
    it(`are refused at once: ${says.source}`, () => {
      using net = make()
      const error = refusal(() => train(net, set, { ...plan, loss: wanted }))
      expect(error.message).to.match(says)
      const retrain = { ...plan, loss: wanted }
      const criterion = criteria.magnitude().density(0.5)
      expect(
        refusal(() => prune(net, { train: set, validation: set }, { criterion, retrain })).message,
      ).to.match(says)
    })
  }

  it('are refused by evaluate in the same words', async () => {
    using net = regression()
    const error = await laterRefusal(evaluate(net, classes(0, 1, 2), { loss }))
    expect(error.message).to.match(/^losses\.mse\(\) takes float targets, the dataset holds whole numbers/)
  })

  it('are refused before the first step where they are NaN', async () => {
    using net = regression()
    const set = six(tensor([[1], [Number.NaN], [2]]))
    const error = await laterRefusal(train(net, set, plan))
    expect(error.message).to.match(
      /^the targets of the training set hold 1 NaN, the first in sample 1: replace them/,
    )
  })

  it('are losses that nobody made', () => {
    using net = toyNetwork()
    const wrong = 'mse' as unknown as Loss
    expect(refusal(() => train(net, toyData(), { ...plan, loss: wrong })).message).to.match(
      /^train: loss must be what losses\.crossEntropy\(\), .* or losses\.huber\(\) returns, got 'mse'$/,
    )
    const uncalled = losses.mse as unknown as Loss
    expect(refusal(() => train(net, toyData(), { ...plan, loss: uncalled })).message).to.match(/: call it$/)
    expect(refusal(() => losses.huber({ delta: 0 })).message).to.equal(
      'losses.huber: delta must be over 0, got 0',
    )
  })
})

describe('a label in each place of an image', () => {
  it('is learned and judged place by place, without those that are ignored', async () => {
    using net = network([1, 4, 4], { conv: conv2d(1, 3, 3, { padding: 1 }) }, { device })
    const pixels = numbers(24 * 16)
    const labels = Array.from(pixels, (value, i) =>
      i % 16 === 5 ? -100 : value < -0.3 ? 0 : value < 0.3 ? 1 : 2,
    )
    const set = Dataset.from(
      tensor(pixels, { shape: [24, 1, 4, 4] }),
      tensor(labels, { shape: [24, 4, 4], dtype: 'int64' }),
    )
    const loss = losses.crossEntropy({ ignoreIndex: -100 })
    const before = await evaluate(net, set, { loss })
    await train(net, set, { epochs: 30, optimizer: adam({ lr: 0.1 }), batchSize: 8, loss })
    const after = await evaluate(net, set, { loss, batchSize: 5 })
    expect(after.top1Error).to.be.below(before.top1Error / 2)
    using outputs = await predict(net, set)
    using chosen = outputs.argmax(1)
    const answers = chosen.flatten().toArray() as unknown[]
    const judged = labels.flatMap((label, i) => (label < 0 ? [] : [Number(answers[i]) === label]))
    expect(judged.length).to.equal(24 * 15)
    expect(after.top1Error).to.be.closeTo(100 - (100 * judged.filter(Boolean).length) / judged.length, 1e-9)
  })
})

describe('ignored labels', () => {
  it('count neither in the loss nor among the errors, and a batch of them is no step', async () => {
    using all = toyNetwork()
    using some = toyNetwork()
    const values = numbers(8 * 6)
    const at = (from: number, to: number, labels: number[]) =>
      Dataset.from(
        tensor(values.slice(from * 6, to * 6), { shape: [to - from, 6] }),
        tensor(labels, { dtype: 'int64' }),
      )
    const ignoring = losses.crossEntropy({ ignoreIndex: 7 })
    const half = await evaluate(all, at(0, 4, [0, 1, 2, 0]))
    const whole = await evaluate(all, at(0, 8, [0, 1, 2, 0, 7, 7, 7, 7]), { loss: ignoring, batchSize: 4 })
    expect(whole.loss).to.be.closeTo(half.loss, 1e-6)
    expect([whole.top1Error, whole.top5Error]).to.deep.equal([half.top1Error, half.top5Error])
    expect(whole.samples).to.equal(8)
    const { epochs } = await train(some, at(0, 8, [0, 7, 7, 7, 7, 7, 7, 7]), {
      epochs: 1,
      optimizer: sgd({ lr: 0.1 }),
      batchSize: 2,
      loss: ignoring,
    })
    expect(epochs[0]!.loss).to.be.within(0.1, 5)
  })
})
