import { expect } from 'chai'
import { Dataset } from '../../lib/data/dataset.js'
import {
  adaptiveAvgPool2d,
  batchNorm2d,
  conv2d,
  dropout,
  flatten,
  linear,
  relu,
} from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { ema } from '../../lib/optim/averaging.js'
import { l2 } from '../../lib/optim/regularization.js'
import { cosine } from '../../lib/optim/schedule.js'
import { adam, adamw, sgd } from '../../lib/optim/spec.js'
import { applyCriterion, keptWeights } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import { splice } from '../../lib/prune/splicing.js'
import { fromBytes } from '../../lib/tensor/bytes.js'
import { losses } from '../../lib/train/losses.js'
import type { TrainOptions } from '../../lib/train/options.js'
import { train } from '../../lib/train/train.js'
import { expectSealed } from '../prune/sealed.js'
import { device } from '../support/device.js'
import { numbers } from './toy.js'

const layers = {
  // Of a bias, batch normalization would leave no gradient but rounding, which Adam blows up to whole steps.
  conv: conv2d(3, 8, 3, { padding: 1, bias: false }),
  bn: batchNorm2d(8),
  relu: relu(),
  pool: adaptiveAvgPool2d(4),
  flatten: flatten(),
  drop: dropout(0.3),
  fc1: linear(128, 32),
  relu1: relu(),
  fc2: linear(32, 4),
}
const BATCH = 32
const STEPS = 12

function images(extra = 0): Dataset {
  const count = BATCH * STEPS + extra
  const data = Uint8Array.from(numbers(count * 3 * 64, 3), (value) => Math.floor((value + 1) * 127))
  const classes = BigInt64Array.from({ length: count }, (_, i) => BigInt(data[i * 192]! % 4))
  using pixels = fromBytes({ dtype: 'uint8', shape: [count, 3, 8, 8], data })
  using targets = fromBytes({ dtype: 'int64', shape: [count], data: new Uint8Array(classes.buffer) })
  return Dataset.from(pixels, targets, { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] })
}

interface Trained {
  readonly weights: ReadonlyMap<string, Float32Array>
  readonly losses: readonly number[]
  readonly captured: number
  readonly eager: string | undefined
}

async function trained(options: Partial<TrainOptions>, capture: boolean, extra = 0): Promise<Trained> {
  using net = network([3, 8, 8], layers, { seed: 1, device })
  using dataset = images(extra)
  await applyCriterion(net, criteria.magnitude().density(0.3))
  const epochs = train(net, dataset, {
    ...{ epochs: 3, batchSize: BATCH, optimizer: sgd({ lr: 0.05, momentum: 0.9, weightDecay: 1e-3 }) },
    ...options,
    capture,
  })
  const done = []
  for await (const epoch of epochs) done.push(epoch)
  await expectSealed(net)
  const weights = new Map<string, Float32Array>()
  for (const name of net.tensorNames()) {
    using values = net.tensor(name)
    using there = values.to('cpu').to('float32')
    weights.set(name, Float32Array.from(flat(there.toArray())))
  }
  return {
    weights,
    losses: done.map(({ loss }) => loss),
    captured: done.reduce((sum, epoch) => sum + (epoch.capture?.steps ?? 0), 0),
    eager: done.at(-1)!.capture?.eager,
  }
}

function flat(nested: unknown): number[] {
  return Array.isArray(nested) ? nested.flatMap(flat) : [nested as number]
}

function expectAlike(one: Trained, other: Trained, within = 1e-6): void {
  for (const [name, values] of one.weights) {
    const others = other.weights.get(name)!
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3)
    const apart = values.reduce((most, value, i) => Math.max(most, Math.abs(value - others[i]!)), 0)
    expect(apart / largest, name).to.be.at.most(within)
  }
  for (const [i, loss] of one.losses.entries()) expect(loss).to.be.closeTo(other.losses[i]!, within)
}

const CASES: Record<string, Partial<TrainOptions>> = {
  'SGD with momentum and weight decay': {},
  'Nesterov momentum and a schedule': {
    optimizer: sgd({ lr: 0.05, momentum: 0.9, nesterov: true }),
    schedule: cosine(),
  },
  'SGD without momentum': { optimizer: sgd({ lr: 0.05 }) },
  Adam: { optimizer: adam({ lr: 1e-3 }) },
  'AdamW with amsgrad': { optimizer: adamw({ lr: 1e-3, amsgrad: true, weightDecay: 0.01 }) },
  'clipped gradients': { clipGradients: { norm: 0.5 } },
  'rates by layer': { lrScale: { fc2: 0.1 } },
  averaging: { averaging: ema(0.9) },
  'a penalty': { regularization: l2(1e-3) },
  'label smoothing': { loss: losses.crossEntropy({ labelSmoothing: 0.1 }) },
  augmentation: { augment: { crop: { padding: 1 }, flip: true, cutout: 2 } },
}

describe('captured steps', () => {
  for (const [name, options] of Object.entries(CASES)) {
    it(`agree with eager ones: ${name}`, async () => {
      const eager = await trained(options, false)
      const captured = await trained(options, true)
      expectAlike(captured, eager)
      expect(eager.captured).to.equal(0)
      if (device.startsWith('cuda')) {
        expect(captured.eager).to.equal(undefined)
        expect(captured.captured).to.equal(3 * STEPS - 3)
      }
    })
  }

  it('agree in bfloat16, whose rounding is coarse', async () => {
    const eager = await trained({ autocast: 'bfloat16' }, false)
    const captured = await trained({ autocast: 'bfloat16' }, true)
    expectAlike(captured, eager, 1e-2)
    if (device.startsWith('cuda')) expect(captured.captured).to.equal(3 * STEPS - 3)
  })

  it('agree with a teacher', async () => {
    using teacher = network([3, 8, 8], layers, { seed: 2, device })
    const distillation = { teacher, weight: 0.5, temperature: 2 }
    const eager = await trained({ distillation }, false)
    const captured = await trained({ distillation }, true)
    expectAlike(captured, eager)
    if (device.startsWith('cuda')) expect(captured.captured).to.equal(3 * STEPS - 3)
  })

  it('leave a smaller last batch to an eager one', async () => {
    const eager = await trained({}, false, 7)
    const captured = await trained({}, true, 7)
    expectAlike(captured, eager)
    if (device.startsWith('cuda')) expect(captured.captured).to.equal(3 * STEPS - 3)
  })

  it('follow images that grow', async () => {
    const options = { epochs: 4, progressiveResizing: { initialScale: 0.5, delayFraction: 0.3 } }
    const eager = await trained(options, false)
    const captured = await trained(options, true)
    // Pooling of sizes that do not divide adds in any order.
    expectAlike(captured, eager, 1e-5)
    if (device.startsWith('cuda')) expect(captured.captured).to.be.above(2 * STEPS)
  })

  it('say why they are not: accumulated gradients, weighed classes, float16', async () => {
    if (!device.startsWith('cuda')) return
    const accumulated = await trained({ accumulate: 2 }, true)
    expect(accumulated.eager).to.match(/accumulated/)
    const weighed = await trained({ loss: losses.crossEntropy({ weight: [1, 2, 1, 1] }) }, true)
    expect(weighed.eager).to.match(/weighs classes/)
    const half = await trained({ autocast: 'float16' }, true)
    expect(half).to.include({ captured: 0 })
    expect(half.eager).to.match(/float16/)
  })

  it('follow masks that splicing changes', async () => {
    const run = async (capture: boolean) => {
      using net = network([3, 8, 8], layers, { seed: 1, device })
      using dataset = images()
      const { epochs } = await splice(
        net,
        { train: dataset, validation: dataset },
        {
          ...{ epochs: 3, batchSize: BATCH, optimizer: sgd({ lr: 0.05, momentum: 0.9 }), capture, every: 4 },
          criterion: criteria.magnitude().density({ fc1: 0.3, conv: 0.5 }),
        },
      )
      await expectSealed(net)
      return { kept: await keptWeights(net), losses: epochs.map(({ loss }) => loss) }
    }
    const [captured, eager] = [await run(true), await run(false)]
    expect(captured.kept).to.deep.equal(eager.kept)
    for (const [i, loss] of captured.losses.entries()) expect(loss).to.be.closeTo(eager.losses[i]!, 1e-3)
  })
})
