import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { loadAddon } from '../../lib/binding/addon.js'
import type { NativeAugmentation } from '../../lib/binding/native/data.js'
import type { DatasetHandle } from '../../lib/binding/native.js'
import { runJob } from '../../lib/binding/native_job.js'
import { Dataset } from '../../lib/data/dataset.js'
import { imageFolder } from '../../lib/data/images.js'
import { packed, packImages } from '../../lib/data/packed.js'
import { flatten, linear } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { sgd } from '../../lib/optim/spec.js'
import { tensor } from '../../lib/tensor/from.js'
import { Tensor } from '../../lib/tensor/tensor.js'
import { train } from '../../lib/train/train.js'
import { device } from '../support/device.js'
import { refusal } from '../support/refusal.js'

const PICTURES = new URL('../golden/images/all', import.meta.url).pathname
const COUNT = 23
const SEEDS = [0, 1, 7]
// Not a divisor of the number of samples.
const BATCH = 5

type How = { augment?: NativeAugmentation; seed?: number; batchSize?: number; onTensors?: boolean }
const DTYPES = ['int8', 'int16', 'int64', 'float32', 'float64', 'bfloat16', 'bool'] as const
type Dtype = 'uint8' | (typeof DTYPES)[number]

async function read(dataset: DatasetHandle, order: readonly number[], how: How) {
  const found = await runJob(() =>
    loadAddon().datasetRead(dataset, order, { ...how, device: how.onTensors ? device : 'cpu' }),
  )
  using images = Tensor.wrap(found.images)
  using labels = Tensor.wrap(found.labels)
  return { ...found, images: images.to('cpu'), labels: labels.to('cpu') }
}

/** Expects a GPU's way to make the batches that the CPU's makes; returns them. */
async function same(dataset: DatasetHandle, order: readonly number[], how: How): Promise<Tensor> {
  const [expected, made] = [
    await read(dataset, order, how),
    await read(dataset, order, { ...how, onTensors: true }),
  ]
  expect(made.indices).to.deep.equal(expected.indices)
  expect(made.images.dtype).to.equal('float32')
  expect(made.images.shape).to.deep.equal(expected.images.shape)
  expect(made.labels.equal(expected.labels), 'labels').to.equal(true)
  expect(made.images.sub(expected.images).abs().max().item()).to.be.below(1e-6)
  return made.images
}

/** Values that differ from each other and from 0, in an order of their own. */
function memory(
  sample: readonly number[],
  dtype: Dtype,
  residency: 'auto' | 'resident' | 'streamed',
  labels = 'int64',
) {
  const size = sample.reduce((a, b) => a * b, 1)
  const values = Array.from({ length: COUNT * size }, (_, i) => 1 + ((i * 37) % 120))
  using images = tensor(values, { dtype: 'float32', shape: [COUNT, ...sample] }).to(dtype)
  using classes = tensor(
    values.slice(0, COUNT).map((value) => value % 3),
    { dtype: labels as 'int64' },
  )
  const channels = Array.from({ length: sample[0]! }, (_, c) => c)
  const normal =
    dtype === 'uint8'
      ? { mean: channels.map((c) => 0.4 + c / 20), std: channels.map((c) => 0.3 - c / 40) }
      : {}
  return Dataset.from(images, classes, { ...normal, residency })
}

const shuffled = Array.from({ length: COUNT }, (_, i) => (i * 9 + 4) % COUNT)
const AUGMENTATIONS: Readonly<Record<string, NativeAugmentation>> = {
  'no augmentation': {},
  'a crop': { crop: { padding: 4 } },
  'a crop without padding': { crop: { padding: 0 } },
  'a crop further out than the image is wide': { crop: { padding: 45 } },
  'a flip': { flip: true },
  'a cutout': { cutout: 8 },
  'a cutout of an odd side': { cutout: 5 },
  'a cutout larger than the image': { cutout: 70 },
  'a crop and a flip': { crop: { padding: 2 }, flip: true },
  'all of them': { crop: { padding: 3 }, flip: true, cutout: 9 },
}

describe('batches made on a device', () => {
  for (const residency of ['resident', 'streamed'] as const) {
    for (const [name, augment] of Object.entries(AUGMENTATIONS)) {
      it(`are those of the CPU with ${name}, ${residency}`, async () => {
        for (const sample of [
          [1, 28, 28],
          [3, 32, 32],
          [2, 6, 11],
        ]) {
          using dataset = memory(sample, 'uint8', residency)
          for (const seed of SEEDS) {
            await same(dataset.handle, shuffled, { augment, seed, batchSize: BATCH })
          }
        }
      })
    }

    for (const dtype of DTYPES) {
      it(`are those of the CPU of ${dtype}, ${residency}`, async () => {
        using dataset = memory([3, 8, 8], dtype, residency, 'float64')
        for (const augment of [{}, AUGMENTATIONS['all of them']!]) {
          await same(dataset.handle, shuffled, { augment, seed: 3, batchSize: BATCH })
        }
      })
    }

    it(`are those of the CPU of samples that are no images, ${residency}`, async () => {
      for (const dtype of ['uint8', 'float32'] as const) {
        using dataset = memory([5], dtype, residency)
        await same(dataset.handle, shuffled, { batchSize: BATCH })
      }
    })
  }

  it('are the same bits wherever the samples are', async () => {
    const how = { augment: AUGMENTATIONS['all of them']!, onTensors: true, batchSize: BATCH }
    const found: Tensor[] = []
    for (const residency of ['resident', 'streamed', 'auto'] as const) {
      using dataset = memory([3, 8, 8], 'uint8', residency)
      found.push((await read(dataset.handle, shuffled, how)).images)
    }
    expect(found.map((each) => each.equal(found[0]!))).to.deep.equal([true, true, true])
  })

  it('train the same network wherever the samples are, pass after pass', async () => {
    const weights: Tensor[] = []
    for (const residency of ['resident', 'streamed', 'auto'] as const) {
      using dataset = memory([3, 8, 8], 'uint8', residency)
      const net = network([3, 8, 8], { flatten: flatten(), fc: linear(192, 3) }, { seed: 4, device })
      const augment = { crop: { padding: 2 }, flip: true, cutout: 3 }
      await train(net, dataset, {
        epochs: 3,
        batchSize: BATCH,
        optimizer: sgd({ lr: 0.05 }),
        augment,
        seed: 6,
      })
      weights.push(net.tensor('fc.weight').detach())
    }
    expect(weights.map((each) => each.equal(weights[0]!))).to.deep.equal([true, true, true])
  })

  it('are of their own memory', async () => {
    using dataset = memory([1, 8, 8], 'float32', 'resident')
    const images = await same(dataset.handle, shuffled, {})
    images.zero_()
    await same(dataset.handle, shuffled, {})
  })

  it('are those of slices, and of samples that are named twice', async () => {
    using whole = memory([3, 8, 8], 'uint8', 'resident')
    using part = whole.slice(4, 15)
    await same(part.handle, [3, 10, 0, 3, 3, 7], { augment: { flip: true, cutout: 3 }, batchSize: 4 })
  })

  it('are refused for samples that there are not, and after a write to the images', async () => {
    using images = tensor(new Array(12).fill(1), { dtype: 'float32', shape: [3, 4] })
    using labels = tensor([0, 1, 2], { dtype: 'int64' })
    using dataset = Dataset.from(images, labels, { residency: 'resident' })
    const refused = async (order: number[]) =>
      read(dataset.handle, order, { onTensors: true }).then(
        () => undefined,
        (error: { code: string }) => error.code,
      )
    expect(await refused([3])).to.equal('ERR_ARGUMENT')
    expect(await refused([-1])).to.equal('ERR_ARGUMENT')
    expect(await refused([2])).to.equal(undefined)
    images.zero_()
    expect(await refused([2])).to.equal('ERR_ARGUMENT')
  })

  it('name the choices of where samples are', () => {
    using images = tensor([[1], [2]], { dtype: 'float32' })
    using labels = tensor([0, 1], { dtype: 'int64' })
    const made = refusal(() => Dataset.from(images, labels, { residency: 'gpu' as 'auto' }))
    expect(made.message).to.match(/residency.*'auto'.*'resident'.*'streamed'/)
  })
})

describe('batches of pictures made on a device', () => {
  let root = ''
  let folder = ''
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'torch-prune-device-'))
    folder = join(root, 'images')
    for (const part of ['train/a', 'val/a']) {
      mkdirSync(join(folder, part), { recursive: true })
      cpSync(PICTURES, join(folder, part), { recursive: true })
    }
    writeFileSync(join(folder, 'val/a/0.jpg'), 'no picture')
  })
  after(() => rmSync(root, { recursive: true, force: true }))

  const HOW = { size: 32, resize: 40, mean: [0.48, 0.45, 0.4], std: [0.23, 0.22, 0.225], exact: true }
  const augmentations: readonly NativeAugmentation[] = [
    {},
    { flip: true },
    { cutout: 11 },
    { crop: {}, flip: true, cutout: 16 },
    { resizedCrop: { scale: [0.2, 1], ratio: [0.75, 1.33] }, flip: true, cutout: 7 },
  ]
  const all = async (dataset: Dataset) => {
    const order = Array.from({ length: dataset.length }, (_, i) => dataset.length - 1 - i)
    for (const augment of augmentations) {
      for (const seed of SEEDS) await same(dataset.handle, order, { augment, seed, batchSize: BATCH })
    }
  }

  it('are those of the CPU, of a folder with a broken file', async () => {
    const { test } = await imageFolder(folder, { ...HOW, validation: 1 })
    await all(test)
    expect(test.skipped).to.have.length(1)
  })

  it('are those of the CPU, of a packed file', async () => {
    const file = join(root, 'images.pack')
    await packImages(folder, file, { resize: 40, validation: 1 })
    for (const size of [32, 40]) await all((await packed(file, { ...HOW, size })).test)
  })

  it('are those of the CPU, of a cache with variants and without the samples that cannot be read', async () => {
    const { test } = await imageFolder(folder, { ...HOW, validation: 1 })
    using net = network(
      [3, 32, 32],
      { flatten: flatten(), fc1: linear(3072, 6), fc2: linear(6, 2) },
      { seed: 1 },
    )
    net.freeze('fc1')
    const options = { batchSize: BATCH, augment: { flip: true }, seed: 2, variants: 3 }
    const cache = await runJob(() => loadAddon().prefixStart(net.handle, test.handle, options))
    const order = Array.from({ length: test.length }, (_, i) => i)
    for (const seed of SEEDS) {
      const images = await same(cache, order, { seed, batchSize: 1 })
      expect(images.shape[0]).to.equal(test.length - 1)
    }
    loadAddon().datasetDispose(cache)
  })
})
