import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Dataset } from '../../lib/data/dataset.js'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { adaptiveAvgPool2d, batchNorm2d, conv2d, flatten, linear, relu } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { sgd } from '../../lib/optim/spec.js'
import type { PruneOptions } from '../../lib/prune/options.js'
import { prune } from '../../lib/prune/prune.js'
import { criteria } from '../../lib/prune/score/index.js'
import { tensor } from '../../lib/tensor/from.js'
import type { ProgressiveResizing } from '../../lib/train/options/progressive_resizing.js'
import type { TrainOptions } from '../../lib/train/options.js'
import { progressiveSizes } from '../../lib/train/progressive.js'
import { train } from '../../lib/train/train.js'
import { snapshot } from '../nn/bits.js'
import { device } from '../support/device.js'
import { refusal } from '../support/refusal.js'
import { numbers, toyData, toyNetwork } from './toy.js'

const SIDE = 8
const COUNT = 24

function datasetOf(pixels: Float32Array, side: number): Dataset {
  using images = tensor(pixels, { shape: [COUNT, 2, side, side] })
  using labels = tensor(
    Array.from({ length: COUNT }, (_, i) => i % 3),
    { dtype: 'int64' },
  )
  return Dataset.from(images, labels)
}

const pixels = numbers(COUNT * 2 * SIDE * SIDE)
const dataset = datasetOf(pixels, SIDE)

/** Takes images of any size over its kernel. */
function pooled(side = SIDE) {
  const layers = {
    conv: conv2d(2, 4, 3),
    norm: batchNorm2d(4),
    relu: relu(),
    pool: adaptiveAvgPool2d(1),
    flatten: flatten(),
    fc: linear(4, 3),
  }
  return network([2, side, side], layers, { seed: 2, device })
}

/** Half as long: a triangle of weights 1, 3, 3, 1, of which those outside are left out. */
function halved(row: readonly number[]): number[] {
  return Array.from({ length: row.length / 2 }, (_, i) => {
    const taps = [1, 3, 3, 1].map((weight, tap) => ({ weight, value: row[2 * i + tap - 1] }))
    const inside = taps.filter((tap) => tap.value !== undefined)
    const total = inside.reduce((sum, { weight }) => sum + weight, 0)
    return inside.reduce((sum, { weight, value }) => sum + weight * value!, 0) / total
  })
}

function transposed(rows: readonly (readonly number[])[]): number[][] {
  return rows[0]!.map((_, x) => rows.map((row) => row[x]!))
}

function shrunk(): Float32Array {
  const planes = Array.from({ length: COUNT * 2 }, (_, plane) => {
    const rows = Array.from({ length: SIDE }, (_, y) => {
      const from = (plane * SIDE + y) * SIDE
      return [...pixels.subarray(from, from + SIDE)]
    })
    return transposed(transposed(rows.map(halved)).map(halved))
  })
  return Float32Array.from(planes.flat(2))
}

const small = () => datasetOf(shrunk(), SIDE / 2)
const all = { delayFraction: 1, finetuneFraction: 0 }
const options: TrainOptions = { epochs: 4, batchSize: 8, optimizer: sgd({ lr: 0.1, momentum: 0.9 }) }

describe('progressive resizing', () => {
  const sides = (epochs: number, progressive: object, side = SIDE) =>
    progressiveSizes(pooled(side), epochs, progressive).map((size) => size?.[0] ?? side)

  it('stays small, grows and ends at the full size', () => {
    expect(sides(10, {}, 32)).to.deep.equal([16, 16, 16, 16, 16, 16, 20, 28, 32, 32])
    expect(sides(4, { initialScale: 0.75, delayFraction: 0.75, finetuneFraction: 0.25 }, 32)).to.deep.equal([
      24, 24, 24, 32,
    ])
    expect(sides(3, { delayFraction: 0, finetuneFraction: 1 }, 32)).to.deep.equal([32, 32, 32])
    expect(sides(2, { delayFraction: 1, finetuneFraction: 0, sizeIncrement: 3 }, 10)).to.deep.equal([6, 6])
  })

  it('trains on images that are shrunk with antialiasing', async () => {
    using net = pooled()
    using smaller = pooled(SIDE / 2)
    const { epochs } = await train(net, dataset, { ...options, progressiveResizing: all })
    const byHand = await train(smaller, small(), options)
    for (const [i, { loss }] of epochs.entries()) {
      expect(loss).to.be.closeTo(byHand.epochs[i]!.loss, device === 'cpu' ? 1e-6 : 1e-3)
    }
    expect(epochs).to.have.length(4)
  })

  it('retrains survivors so, anew in each round', async () => {
    const losses = async (side: number, samples: Dataset, progressiveResizing?: ProgressiveResizing) => {
      using net = pooled(side)
      const found: number[] = []
      await prune(
        net,
        { train: samples, validation: samples },
        {
          criterion: criteria.magnitude().density(0.5),
          rounds: 2,
          retrain: { ...options, epochs: 2, progressiveResizing },
          onEpoch: ({ loss }) => void found.push(loss),
        },
      )
      return found
    }
    const found = await losses(SIDE, dataset, all)
    const byHand = await losses(SIDE / 2, small())
    expect(found).to.have.length(4)
    for (const [i, loss] of found.entries()) {
      expect(loss).to.be.closeTo(byHand[i]!, device === 'cpu' ? 1e-6 : 1e-3)
    }
  })

  it('goes on where it was stopped, to the same bits', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'torch-prune-progressive-'))
    try {
      const plan = { ...options, progressiveResizing: { sizeIncrement: 1 } }
      using unbroken = pooled()
      await train(unbroken, dataset, plan)
      const checkpoint = { path: join(folder, 'position.safetensors'), minutes: 0 }
      const stop = new AbortController()
      using stopped = pooled()
      const onProgress = ({ epoch }: { epoch: number }) => epoch === 3 && stop.abort()
      await train(stopped, dataset, { ...plan, checkpoint, signal: stop.signal, onProgress }).then(
        () => expect.fail('it was not stopped'),
        (cause: unknown) => expect(cause).to.equal(stop.signal.reason),
      )
      using resumed = pooled()
      await train(resumed, dataset, { ...plan, checkpoint })
      expect(snapshot(resumed)).to.deep.equal(snapshot(unbroken))
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('is refused where it does not fit', () => {
    using net = pooled()
    const refused = (progressiveResizing: object, more: Partial<TrainOptions> = {}) =>
      refusal(() => train(net, dataset, { ...options, ...more, progressiveResizing })).message
    expect(refused({ initialScale: 2 })).to.equal(
      'train: progressiveResizing.initialScale must be in 0..1, got 2',
    )
    expect(refused({ sizeIncrement: 0 })).to.match(
      /progressiveResizing\.sizeIncrement must be a whole number/,
    )
    expect(refused({ delayFraction: 0.9 })).to.match(/more than all epochs together/)
    expect(refused({ initialScale: 0, sizeIncrement: 1 })).to.match(
      /images of \[2, 1, 1\] do not fit, layer 'conv' .* its kernel, got \[2, 1, 1\]; raise initialScale$/,
    )
    expect(refused({}, { cachePrefix: true })).to.match(/no images to shrink behind cachePrefix/)
    using flat = toyNetwork()
    const points = refusal(() => train(flat, toyData(), { ...options, progressiveResizing: {} }))
    expect(points.message).to.match(/it is for images, the network takes samples of shape \[6\]/)
  })

  it('is refused in retraining before anything is pruned', () => {
    const refused = (net: AnyNetwork, more: Pick<PruneOptions, 'phases'> & { cachePrefix?: true } = {}) => {
      const { cachePrefix, ...phases } = more
      const retrain = { ...options, cachePrefix, progressiveResizing: {} }
      const splits = { train: dataset, validation: dataset }
      return refusal(() =>
        prune(net, splits, { criterion: criteria.magnitude().density(0.5), ...phases, retrain }),
      ).message
    }
    using flat = toyNetwork()
    expect(refused(flat)).to.match(/it is for images/)
    using net = pooled()
    expect(refused(net, { phases: 'alternate', cachePrefix: true })).to.match(/behind cachePrefix/)
  })
})
