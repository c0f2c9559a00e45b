import { expect } from 'chai'
import { Dataset } from '../../lib/data/dataset.js'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { conv2d, linear, relu } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { adam, sgd } from '../../lib/optim/spec.js'
import { prune } from '../../lib/prune/prune.js'
import { criteria } from '../../lib/prune/score/index.js'
import { sensitivity } from '../../lib/studies/sensitivity.js'
import { tensor } from '../../lib/tensor/from.js'
import { evaluate, predict } from '../../lib/train/evaluate.js'
import { losses } from '../../lib/train/losses.js'
import { train } from '../../lib/train/train.js'
import { device } from '../support/device.js'
import { loss, plan, regression, sums } from './regression_toy.js'
import { numbers, toyNetwork } from './toy.js'

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
