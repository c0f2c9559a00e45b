import { expect } from 'chai'
import type { Augmentation } from '../../lib/data/augment.js'
import { Dataset } from '../../lib/data/dataset.js'
import { conv2d, flatten, linear } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { sgd } from '../../lib/optim/spec.js'
import { prune } from '../../lib/prune/prune.js'
import { criteria } from '../../lib/prune/score/index.js'
import { tensor } from '../../lib/tensor/from.js'
import { evaluate } from '../../lib/train/evaluate.js'
import { train } from '../../lib/train/train.js'
import { snapshot } from '../nn/bits.js'
import { device } from '../support/device.js'
import { laterRefusal, refusal } from '../support/refusal.js'
import { numbers } from '../train/toy.js'

const SIDE = 8
const COUNT = 64
// Normalized black is -1; no pixel is black.
const NORMAL = { mean: [0.5, 0.5], std: [0.5, 0.5] }
const BLACK = -1
const every = Array.from({ length: COUNT }, (_, i) => i)

/** Two channels; each pixel of a sample has a value of its own, 1 to 128. */
function images(dtype: 'uint8' | 'float32' = 'uint8'): Dataset {
  const values = Array.from({ length: COUNT * 2 * SIDE * SIDE }, (_, i) => 1 + ((i * 37) % 128))
  using pixels = tensor(values, { dtype, shape: [COUNT, 2, SIDE, SIDE] })
  using labels = tensor(
    every.map((i) => i % 3),
    { dtype: 'int64' },
  )
  return Dataset.from(pixels, labels, dtype === 'uint8' ? NORMAL : {})
}

async function pixelsOf(dataset: Dataset, augment?: Augmentation, seed = 0): Promise<number[][][][]> {
  using samples = await dataset.read(every, { augment, seed })
  return samples.images.toArray() as number[][][][]
}

/** What a crop at an offset, mirrored or not, makes of one channel. */
function moved(channel: number[][], dy: number, dx: number, flip: boolean, black = BLACK): number[][] {
  const rows = channel.map((_, y) => channel[0]!.map((_, x) => channel[y + dy]?.[x + dx] ?? black))
  return flip ? rows.map((row) => row.toReversed()) : rows
}

/** Which crop and flip made a sample. */
function explain(before: number[][][], after: number[][][], padding: number, black = BLACK) {
  for (let dy = -padding; dy <= padding; dy++) {
    for (let dx = -padding; dx <= padding; dx++) {
      for (const flip of [false, true]) {
        const made = before.map((channel) => moved(channel, dy, dx, flip, black))
        if (JSON.stringify(made) === JSON.stringify(after)) return { dy, dx, flip }
      }
    }
  }
  return undefined
}

function small() {
  return network(
    [2, SIDE, SIDE],
    { conv: conv2d(2, 3, 3), flatten: flatten(), fc1: linear(108, 6), fc2: linear(6, 3) },
    { seed: 5, device },
  )
}

const AUGMENT: Augmentation = { crop: { padding: 2 }, flip: true, cutout: 3 }
const training = { epochs: 2, batchSize: 16, optimizer: sgd({ lr: 0.05, momentum: 0.9 }) }

describe('augmentation', () => {
  for (const [dtype, black] of [
    ['uint8', BLACK],
    ['float32', 0],
  ] as const) {
    it(`crops out of a black border and mirrors, all channels alike, ${dtype}`, async () => {
      const dataset = images(dtype)
      const before = await pixelsOf(dataset)
      const after = await pixelsOf(dataset, { crop: { padding: 2 }, flip: true })
      const seen = after.map((sample, i) => explain(before[i]!, sample, 2, black))
      expect(seen.filter((found) => found === undefined)).to.have.length(0)
      for (const key of ['dy', 'dx'] as const) {
        expect(new Set(seen.map((found) => found?.[key])), key).to.have.property('size', 5)
      }
      const flipped = seen.filter((found) => found?.flip).length
      expect(flipped).to.be.within(COUNT / 4, (3 * COUNT) / 4)
    })
  }

  it('crops further than the image is wide', async () => {
    const after = await pixelsOf(images(), { crop: { padding: 40 } })
    expect(after.flat(3).filter((value) => value === BLACK).length).to.be.above(0)
  })

  it('sets a square to the mean, cut at the border, in all channels', async () => {
    const dataset = images()
    const before = await pixelsOf(dataset)
    const after = await pixelsOf(dataset, { cutout: 4 })
    const areas = new Set<number>()
    for (const [i, sample] of after.entries()) {
      const holes = sample.map((channel, c) =>
        channel.flatMap((row, y) =>
          row.flatMap((value, x) => {
            if (value === before[i]![c]![y]![x]) return []
            expect(value).to.equal(0)
            return [[y, x] as const]
          }),
        ),
      )
      expect(holes[1]).to.deep.equal(holes[0])
      const [ys, xs] = [0, 1].map((axis) => new Set(holes[0]!.map((place) => place[axis]!)))
      expect(holes[0]!.length).to.equal(ys!.size * xs!.size)
      expect(Math.max(ys!.size, xs!.size)).to.be.within(2, 4)
      areas.add(holes[0]!.length)
    }
    expect(areas).to.include(16)
    expect(areas.size).to.be.above(2)
  })

  it('is decided by seed and sample, not by the batch', async () => {
    const dataset = images()
    const first = await pixelsOf(dataset, AUGMENT, 3)
    expect(await pixelsOf(dataset, AUGMENT, 3)).to.deep.equal(first)
    expect(await pixelsOf(dataset, AUGMENT, 4)).not.to.deep.equal(first)
    using few = await dataset.read([9, 2], { augment: AUGMENT, seed: 3 })
    expect(few.images.toArray()).to.deep.equal([first[9], first[2]])
  })

  it('changes training, repeatably, anew in each epoch, and never evaluation', async () => {
    const weights = []
    for (const augment of [AUGMENT, AUGMENT, undefined]) {
      using net = small()
      const dataset = images()
      const { loss } = await evaluate(net, dataset)
      await train(net, dataset, { ...training, augment })
      weights.push(snapshot(net))
      using again = small()
      expect((await evaluate(again, dataset)).loss).to.equal(loss)
    }
    expect(weights[0]).to.deep.equal(weights[1])
    expect(weights[0]).not.to.deep.equal(weights[2])
  })

  it('is not carried over from an earlier training into pruning', async () => {
    const after = []
    for (const augment of [undefined, {}, AUGMENT]) {
      using net = small()
      const dataset = images()
      await train(net, dataset, { ...training, augment: AUGMENT })
      await prune(
        net,
        { train: dataset, validation: dataset },
        {
          criterion: criteria.magnitude().density(0.5),
          retrain: { ...training, epochs: 1, augment },
        },
      )
      after.push(snapshot(net))
    }
    expect(after[0]).to.deep.equal(after[1])
    expect(after[0]).not.to.deep.equal(after[2])
  })

  it('refuses what cannot be meant', async () => {
    const dataset = images()
    const attempt = async (augment: Augmentation) =>
      (await laterRefusal(dataset.read([0], { augment }))).message
    expect(await attempt({ resizedCrop: true })).to.match(/resizedCrop is for folders/)
    expect(await attempt({ crop: { padding: -1 } })).to.match(
      /augment\.crop\.padding must be a whole number in 0\.\.4096, got -1$/,
    )
    expect(await attempt({ cutout: 1.5 })).to.match(/cutout/)
    expect(await attempt({ crop: {}, resizedCrop: true })).to.match(/both crop and resizedCrop/)
    expect(await attempt({ flop: true } as Augmentation)).to.match(/unknown option 'flop': did you mean flip/)
    using points = tensor(numbers(12), { shape: [2, 6] })
    using labels = tensor([0, 1], { dtype: 'int64' })
    const flat = Dataset.from(points, labels)
    const refused = await laterRefusal(flat.read([0], { augment: { flip: true } }))
    expect(refused.message).to.match(/augment is for images/)
  })
})

describe('the cache of a frozen prefix, under augmentation', () => {
  it('is refused unless it is told how many variants to hold', async () => {
    using net = small()
    net.freeze('conv')
    const dataset = images()
    const attempt = (options: object) =>
      refusal(() => train(net, dataset, { ...training, ...options })).message
    expect(attempt({ cachePrefix: true, augment: AUGMENT })).to.match(/give cacheVariants/)
    expect(attempt({ cachePrefix: true, augment: AUGMENT, cacheVariants: 0 })).to.match(/1 or more/)
    expect(attempt({ cacheVariants: 2 })).to.match(/needs both/)
    await train(net, dataset, { ...training, cachePrefix: true, augment: {} })
  })

  it('trains on as many variants as it is told, repeatably', async () => {
    const after = []
    for (const cacheVariants of [3, 3, 1]) {
      using net = small()
      net.freeze('conv')
      const before = snapshot(net)['conv.weight']
      await train(net, images(), { ...training, cachePrefix: true, augment: AUGMENT, cacheVariants })
      expect(snapshot(net)['conv.weight']).to.deep.equal(before)
      after.push(snapshot(net))
    }
    expect(after[0]).to.deep.equal(after[1])
    expect(after[0]).not.to.deep.equal(after[2])
  })
})
