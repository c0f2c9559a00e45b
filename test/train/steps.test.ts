import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { ema } from '../../lib/optim/averaging.js'
import { adam, sgd } from '../../lib/optim/spec.js'
import { applyCriterion } from '../../lib/prune/mask.js'
import { prune } from '../../lib/prune/prune.js'
import { criteria } from '../../lib/prune/score/index.js'
import { evaluate } from '../../lib/train/evaluate.js'
import { train } from '../../lib/train/train.js'
import { snapshot } from '../nn/bits.js'
import { refusal } from '../support/refusal.js'
import { toyData, toyNetwork } from './toy.js'

const optimizer = sgd({ lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 1e-3 })

describe('accumulated gradients', () => {
  it('are those of one batch of all samples', async () => {
    using one = toyNetwork()
    using many = toyNetwork()
    for (const net of [one, many]) net.setDropout('drop', 0)
    const set = toyData(96)
    const large = await train(one, set, { epochs: 3, optimizer, batchSize: 96 })
    const small = await train(many, set, { epochs: 3, optimizer, batchSize: 20, accumulate: 5 })
    for (const [i, epoch] of large.epochs.entries()) {
      expect(small.epochs[i]!.loss).to.be.closeTo(epoch.loss, 1e-5)
    }
    using a = one.tensor('fc1.weight').detach()
    using b = many.tensor('fc1.weight').detach()
    expect(a.allclose(b, { rtol: 1e-4, atol: 1e-6 })).to.equal(true)
  })

  it('leave an epoch a last step of fewer batches, and go on from a checkpoint bit for bit', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'torch-prune-steps-'))
    try {
      const settings = { epochs: 4, optimizer, batchSize: 10, accumulate: 4, clipGradients: { norm: 1 } }
      using straight = toyNetwork()
      await train(straight, toyData(), settings)
      using stopped = toyNetwork()
      const checkpoint = { path: join(folder, 'c.safetensors'), minutes: 0 }
      const controller = new AbortController()
      const job = train(stopped, toyData(), { ...settings, checkpoint, signal: controller.signal })
      let epochs = 0
      try {
        for await (const _ of job) if (++epochs === 2) controller.abort()
      } catch {}
      using resumed = toyNetwork()
      await train(resumed, toyData(), { ...settings, checkpoint })
      expect(snapshot(resumed)).to.deep.equal(snapshot(straight))
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('steps with clipped, accumulated and scaled gradients', () => {
  for (const [name, spec] of [
    ['SGD', optimizer],
    ['AdamW', adam({ lr: 0.01 })],
    ['plain SGD', { ...optimizer, fused: false }],
  ] as const) {
    it(`leave seals whole: ${name}`, async () => {
      using net = toyNetwork()
      await applyCriterion(net, criteria.magnitude().density({ fc1: 0.3, fc2: 0.5 }))
      using keep = net.mask('fc1')!
      const kept = keep.sum().item()
      await train(net, toyData(), {
        epochs: 2,
        optimizer: spec,
        batchSize: 10,
        accumulate: 3,
        clipGradients: { norm: 0.3, value: 0.05 },
        lrScale: { fc1: 3, fc2: 0 },
      })
      await net.assertSealed()
      using after = net.mask('fc1')!
      expect(after.sum().item()).to.equal(kept)
    })
  }

  it('do not move a layer whose rate is scaled to nothing', async () => {
    using net = toyNetwork()
    const before = snapshot(net)
    await train(net, toyData(), { epochs: 1, optimizer: sgd({ lr: 0.1 }), lrScale: { fc2: 0 } })
    const after = snapshot(net)
    expect(after['fc2.weight']).to.deep.equal(before['fc2.weight'])
    expect(after['fc1.weight']).to.not.deep.equal(before['fc1.weight'])
  })

  it('are refused for layers that are not there', () => {
    using net = toyNetwork() as AnyNetwork
    const wrong = () => train(net, toyData(), { epochs: 1, optimizer, lrScale: { relu1: 2 } })
    expect(refusal(wrong).message).to.equal(
      "lrScale names 'relu1', which is no layer with parameters: the network has fc1, fc2",
    )
    const none = () => train(net, toyData(), { epochs: 1, optimizer, clipGradients: { norm: 0 } })
    expect(refusal(none).message).to.equal('train: clipGradients.norm must be over 0, got 0')
  })
})

describe('early stopping', () => {
  const { train: set, validation } = toyData(160).split(64)
  // A rate that is far too high gets worse at some time.
  const wild = sgd({ lr: 1.5, momentum: 0.9 })
  const settings = { epochs: 40, optimizer: wild, batchSize: 16, validation }

  it('ends with the weights of the best epoch, masks holding', async () => {
    using net = toyNetwork()
    await applyCriterion(net, criteria.magnitude().density(0.5))
    const { epochs, best } = await train(net, set, {
      ...settings,
      earlyStopping: { patience: 3, monitor: 'loss' },
    })
    const figures = epochs.map(({ validation: found }) => found!.loss)
    expect(best!.value).to.equal(Math.min(...figures))
    expect(best!.epoch).to.equal(figures.indexOf(best!.value) + 1)
    expect(epochs.length).to.equal(best!.epoch + 3)
    expect((await evaluate(net, validation)).loss).to.equal(best!.value)
    await net.assertSealed()
  })

  it('goes on from a checkpoint with the same end, and a finished one stays as it is', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'torch-prune-stopping-'))
    try {
      const stopping = { ...settings, earlyStopping: { patience: 3 } }
      using straight = toyNetwork()
      const whole = await train(straight, set, stopping)
      const checkpoint = { path: join(folder, 'c.safetensors') }
      using first = toyNetwork()
      const controller = new AbortController()
      let seen = 0
      try {
        for await (const _ of train(first, set, { ...stopping, checkpoint, signal: controller.signal })) {
          if (++seen === whole.best!.epoch + 1) controller.abort()
        }
      } catch {}
      for (let sitting = 0; sitting < 2; sitting++) {
        using resumed = toyNetwork()
        const { best } = await train(resumed, set, { ...stopping, checkpoint })
        expect(best).to.deep.equal(whole.best)
        expect(snapshot(resumed)).to.deep.equal(snapshot(straight))
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('ends with the best weights though it was aborted after its last epoch', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'torch-prune-stopping-'))
    try {
      using straight = toyNetwork()
      const stopping = { ...settings, earlyStopping: { patience: 3 } }
      const { best } = await train(straight, set, stopping)
      const last = {
        ...stopping,
        epochs: best!.epoch + 1,
        checkpoint: { path: join(folder, 'c.safetensors') },
      }
      using aborted = toyNetwork()
      const controller = new AbortController()
      try {
        for await (const { epoch } of train(aborted, set, { ...last, signal: controller.signal })) {
          if (epoch === last.epochs) controller.abort()
        }
      } catch {}
      using resumed = toyNetwork()
      expect((await train(resumed, set, last)).best).to.deep.equal(best)
      expect(snapshot(resumed)).to.deep.equal(snapshot(straight))
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('watches the validation part in the rounds of prune', async () => {
    using net = toyNetwork()
    const retrain = { epochs: 30, optimizer: wild, batchSize: 16, earlyStopping: { patience: 2 } }
    const epochs: number[] = []
    const { rounds } = await prune(
      net,
      { train: set, validation },
      {
        criterion: criteria.magnitude().density(0.5),
        retrain,
        onEpoch: ({ validationError }) => epochs.push(validationError!),
      },
    )
    expect(epochs.length).to.be.below(30)
    expect(rounds[0]!.validationError).to.equal(Math.min(...epochs))
  })

  it('is refused without a validation set, and beside averaging', () => {
    using net = toyNetwork()
    const { validation: _, ...without } = settings
    const earlyStopping = { patience: 1 }
    expect(refusal(() => train(net, set, { ...without, earlyStopping })).message).to.match(
      /^earlyStopping watches the validation set: give validation/,
    )
    expect(refusal(() => train(net, set, { ...settings, earlyStopping, averaging: ema() })).message).to.match(
      /^earlyStopping ends with the weights of one epoch/,
    )
  })
})
