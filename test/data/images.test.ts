import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import sharp from 'sharp'
import { loadAddon } from '../../lib/binding/addon.js'
import type { Augmentation } from '../../lib/data/augment.js'
import type { Dataset } from '../../lib/data/dataset.js'
import { type ImageOptions, imageClasses, imageFolder } from '../../lib/data/images.js'
import { flatten, linear } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { sgd } from '../../lib/optim/spec.js'
import { memory } from '../../lib/tensor/scope.js'
import type { Tensor } from '../../lib/tensor/tensor.js'
import { evaluate } from '../../lib/train/evaluate.js'
import { train } from '../../lib/train/train.js'
import { writePictures } from '../../scripts/imagenet/pictures.js'
import { device } from '../support/device.js'
import { readGolden } from '../support/golden.js'
import { laterRefusal, refusal, refusedWith } from '../support/refusal.js'

const PICTURES = new URL('../golden/images/all', import.meta.url).pathname
const { fixture, tensor: golden } = readGolden<{ files: string[]; seeds: number[] }>('images')
// So that samples are bytes over 255, and can be compared with bytes.
const PLAIN = { size: 32, resize: 40, mean: [0, 0, 0], std: [1, 1, 1] }
const AUGMENT: Augmentation = { resizedCrop: true, flip: true }
const everyone = (dataset: Dataset) => Array.from({ length: dataset.length }, (_, i) => i)

let root = ''
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'torch-prune-images-'))
})
after(() => rmSync(root, { recursive: true, force: true }))

/** A folder of one class that holds the fixture's pictures. */
function pictures(name: string): string {
  const folder = join(root, name)
  mkdirSync(folder)
  symlinkSync(PICTURES, join(folder, 'class'))
  return folder
}

/** A folder of two classes, each with a copy of the fixture's pictures. */
function twoClasses(name: string): string {
  const folder = join(root, name)
  for (const part of ['train', 'val']) {
    for (const label of ['b', 'a']) cpSync(PICTURES, join(folder, part, label), { recursive: true })
  }
  return folder
}

function expectBytes(images: Tensor, row: number, expected: Tensor, what: string): void {
  using bytes = images.select(0, row).mul(255).round()
  using wanted = expected.to('float32')
  const furthest = Number(bytes.sub(wanted).abs().max().item())
  if (furthest !== 0) expect.fail(`${what}: ${furthest} of 255 from torchvision's`)
}

async function agrees(options: ImageOptions, key: string, augment?: Augmentation, seed?: number) {
  const { dataset } = await imageClasses(pictures(`${key}-${JSON.stringify(options).length}`), {
    ...PLAIN,
    ...options,
  })
  using samples = await dataset.read(everyone(dataset), { augment, seed })
  expect(samples.indices).to.have.length(fixture.files.length)
  for (const [row, file] of fixture.files.entries()) {
    using expected = golden(`${key}.${file}`).cpu()
    expectBytes(samples.images, row, expected, `${key} ${file}`)
  }
}

describe('a folder of images', () => {
  it('gives torchvision’s center crops, byte for byte, of every kind of file', () => agrees({}, 'centre'))

  for (const seed of fixture.seeds) {
    it(`gives torchvision's random crops for the same random numbers, seed ${seed}`, async () => {
      await agrees({ exact: true }, `crop.${seed}`, AUGMENT, seed)
      await agrees({ exact: true }, `window.${seed}`, { crop: {}, flip: true }, seed)
    })
  }

  it('decodes crops faster in a way that moves pixels little', async function () {
    if (!loadAddon().jpegLibrary()) this.skip()
    const folder = pictures('fast')
    const { dataset } = await imageClasses(folder, { ...PLAIN, size: 16, resize: 16 })
    const { dataset: exact } = await imageClasses(folder, { ...PLAIN, size: 16, resize: 16, exact: true })
    using fast = await dataset.read(everyone(dataset), { augment: AUGMENT, seed: 1 })
    using slow = await exact.read(everyone(dataset), { augment: AUGMENT, seed: 1 })
    const mean = Number(fast.images.sub(slow.images).abs().mean().item())
    expect(mean).to.be.above(0)
    expect(mean).to.be.below(3 / 255)
  })

  it('decodes fast into the same pixels, whatever its thread decoded before', async () => {
    const folder = join(root, 'small')
    await writePictures(folder, { classes: 2, train: 16, held: 1, side: 24 })
    const { train: images } = await imageFolder(folder, {
      ...PLAIN,
      size: 6,
      resize: 8,
      threads: 2,
      validation: 2,
    })
    const layers = { flatten: flatten(), fc: linear(108, 2) }
    const options = { epochs: 100, batchSize: 4, optimizer: sgd({ lr: 0.01 }), augment: AUGMENT, seed: 1 }
    const losses = async () => {
      using net = network([3, 6, 6], layers, { seed: 1, device })
      return (await train(net, images, options)).epochs.map(({ loss }) => loss)
    }
    const once = await losses()
    for (let i = 0; i < 8; i++) expect(await losses()).to.deep.equal(once)
  })

  it('draws the same samples whatever the threads and the batches, and others for another seed', async () => {
    const folder = pictures('threads')
    const { dataset: one } = await imageClasses(folder, { ...PLAIN, threads: 1 })
    const { dataset: many } = await imageClasses(folder, { ...PLAIN, threads: 5 })
    const augment = { ...AUGMENT, cutout: 8 }
    using a = await one.read(everyone(one), { augment, seed: 4 })
    using b = await many.read(everyone(one), { augment, seed: 4 })
    using c = await many.read(everyone(one), { augment, seed: 5 })
    using backwards = await many.read(everyone(one).reverse(), { augment, seed: 4 })
    expect(a.images.equal(b.images)).to.equal(true)
    expect(a.images.equal(c.images)).to.equal(false)
    expect(backwards.images.flip([0]).equal(a.images)).to.equal(true)
  })

  it('sorts classes and files as torchvision does, and makes the test part of val', async () => {
    const splits = await imageFolder(twoClasses('splits'), { ...PLAIN, validation: 4 })
    expect(splits.classes).to.deep.equal(['a', 'b'])
    const count = fixture.files.length
    expect([splits.train.length, splits.validation.length, splits.test.length]).to.deep.equal([
      2 * count - 4,
      4,
      2 * count,
    ])
    using held = await splits.validation.read([0, 1, 2, 3])
    expect(held.labels.toArray()).to.deep.equal([0, 0, 1, 1])
    using whole = await splits.test.read(everyone(splits.test))
    using part = await splits.test.slice(3, 9).read([0, 5])
    expect(part.images.select(0, 1).equal(whole.images.select(0, 8))).to.equal(true)
  })

  it('leaves out and lists what cannot be decoded, and trains on the rest', async () => {
    const folder = join(root, 'bad')
    cpSync(PICTURES, join(folder, 'class'), { recursive: true })
    const bad = (name: string) => join(folder, 'class', name)
    cpSync(join(PICTURES, 'colour.jpg'), bad('cut.jpg'))
    truncateSync(bad('cut.jpg'), 1200)
    cpSync(join(PICTURES, 'plain.png'), bad('cut.png'))
    truncateSync(bad('cut.png'), 900)
    writeFileSync(bad('text.jpg'), 'no picture at all')
    writeFileSync(bad('marker.jpg'), Buffer.from([0xff, 0xd8, 0xff, 0xd9]))
    writeFileSync(bad('empty.jpg'), '')
    symlinkSync(bad('nowhere'), bad('gone.jpg'))
    execFileSync('mkfifo', [bad('pipe.jpg')])
    const huge = readFileSync(join(PICTURES, 'colour.jpg'))
    const frame = huge.indexOf(Buffer.from([0xff, 0xc0]))
    huge.writeUInt16BE(65000, frame + 5)
    huge.writeUInt16BE(65000, frame + 7)
    writeFileSync(bad('huge.jpg'), huge)
    const names = [
      'cut.jpg',
      'cut.png',
      'empty.jpg',
      'gone.jpg',
      'huge.jpg',
      'marker.jpg',
      'pipe.jpg',
      'text.jpg',
    ]
    const { dataset } = await imageClasses(folder, PLAIN)
    expect(dataset.length).to.equal(fixture.files.length + names.length)
    const found = await dataset.check({ batchSize: 4 })
    expect(found.map(({ index }) => index)).to.deep.equal(dataset.skipped.map(({ index }) => index))
    expect(found).to.have.length(names.length)
    using net = network([3, 32, 32], { flat: flatten(), fc: linear(3072, 2) }, { device })
    const { epochs } = await train(net, dataset, {
      epochs: 2,
      batchSize: 4,
      optimizer: sgd({ lr: 0.001 }),
      augment: AUGMENT,
    })
    expect(epochs).to.have.length(2)
    expect((await evaluate(net, dataset)).samples).to.equal(fixture.files.length)
    const reasons = dataset.skipped.map(({ reason }) => reason)
    expect(reasons.map((reason) => /class\/(\S+):/.exec(reason)?.[1])).to.deep.equal(names)
    for (const reason of reasons) expect(reason).to.match(/^[^\p{Cc}]+$/u)
    expect(reasons[0]).to.match(/cut short|decoded/)
    expect(reasons[4]).to.match(/65000×65000|pixel limit/)
    const indices = dataset.skipped.map(({ index }) => index)
    using samples = await dataset.read(everyone(dataset))
    expect(samples.indices).to.deep.equal(everyone(dataset).filter((i) => !indices.includes(i)))
    expect(await refusedWith(dataset.read([indices[0]!]))).to.match(
      /none of the samples can be read.*cut\.jpg/,
    )
  })

  it('reads a JPEG that lacks its end marker alone, as PIL does', async () => {
    const folder = join(root, 'endless')
    mkdirSync(join(folder, 'class'), { recursive: true })
    const whole = readFileSync(join(PICTURES, 'colour.jpg'))
    const end = whole.lastIndexOf(Buffer.from([0xff, 0xd9]))
    writeFileSync(join(folder, 'class', '0.jpg'), whole)
    writeFileSync(join(folder, 'class', '1.jpg'), whole.subarray(0, end))
    writeFileSync(join(folder, 'class', '2.jpg'), whole.subarray(0, end - 40))
    const { dataset } = await imageClasses(folder, PLAIN)
    using samples = await dataset.read([0, 1, 2])
    expect(samples.indices).to.deep.equal([0, 1])
    using first = samples.images.select(0, 0)
    using second = samples.images.select(0, 1)
    expect(first.equal(second)).to.equal(true)
    expect(dataset.skipped.map(({ reason }) => reason.replace(/.*: /, ''))).to.deep.equal(['is cut short'])
  })

  it('reads files whose names are no UTF-8', async () => {
    const folder = join(root, 'latin')
    mkdirSync(join(folder, 'class'), { recursive: true })
    for (const picture of ['colour.jpg', 'plain.png']) {
      const name = Buffer.concat([Buffer.from(`${folder}/class/`), Buffer.from(`\xe4${picture}`, 'latin1')])
      writeFileSync(name, readFileSync(join(PICTURES, picture)))
    }
    const { dataset } = await imageClasses(folder, PLAIN)
    expect(await dataset.check()).to.deep.equal([])
    expect(dataset.length).to.equal(2)
  })

  it('stops when aborted, and can be read again', async () => {
    const { dataset } = await imageClasses(pictures('abort'), PLAIN)
    const long = Array.from({ length: 200_000 }, (_, i) => i % dataset.length)
    const error = await dataset.read(long.slice(0, 20_000), { signal: AbortSignal.timeout(30) }).then(
      () => undefined,
      (cause: unknown) => cause,
    )
    expect(error).to.have.property('name', 'TimeoutError')
    using again = await dataset.read([0])
    expect(again.indices).to.deep.equal([0])
  })

  it('leaves no tensors behind', async () => {
    const { dataset } = await imageClasses(pictures('leak'), PLAIN)
    const before = memory.liveTensors().tensors
    for (let i = 0; i < 3; i++) {
      using samples = await dataset.read(everyone(dataset), { augment: AUGMENT, seed: i })
      expect(samples.images.shape).to.deep.equal([fixture.files.length, 3, 32, 32])
    }
    expect(memory.liveTensors().tensors).to.be.at.most(before)
  })

  it('leaves out what takes more memory to decode than it may', async () => {
    const folder = join(root, 'large')
    mkdirSync(join(folder, 'class'), { recursive: true })
    const canvas = { width: 1000, height: 1000, channels: 3, background: 'red' } as const
    await sharp({ create: canvas }).toFile(join(folder, 'class', 'flat.png'))
    await sharp({ create: canvas })
      .jpeg({ progressive: true })
      .toFile(join(folder, 'class', 'progressive.jpg'))
    await sharp({ create: canvas })
      .jpeg()
      .toFile(join(folder, 'class', 'rows.jpg'))
    const tight = await imageClasses(folder, { ...PLAIN, decodeMemory: 2e6 })
    const left = await tight.dataset.check()
    expect(left.map(({ reason }) => reason.replace(/.*class./, ''))).to.deep.equal([
      'flat.png: takes about 9 MB to decode, more than the 2 MB allowed: raise decodeMemory, or make it smaller',
      'progressive.jpg: takes more memory to decode than allowed: raise decodeMemory, or make it smaller',
    ])
    const ample = await imageClasses(folder, PLAIN)
    expect(await ample.dataset.check()).to.deep.equal([])
    expect((await laterRefusal(imageClasses(folder, { decodeMemory: 0 }))).code).to.equal('ERR_ARGUMENT')
  })

  it('refuses other layouts, and options that make no sense', async () => {
    const empty = join(root, 'empty')
    mkdirSync(join(empty, 'train', 'a'), { recursive: true })
    expect(await refusedWith(imageFolder(join(root, 'missing')))).to.match(
      /missing: does not exist; it should hold/,
    )
    expect(await refusedWith(imageFolder(empty))).to.match(/no train\/ beside val\//)
    mkdirSync(join(empty, 'val', 'z'), { recursive: true })
    expect(await refusedWith(imageFolder(empty))).to.match(/train\/a: holds no images/)
    const folder = twoClasses('strange')
    mkdirSync(join(folder, 'val', 'c'))
    expect(await refusedWith(imageFolder(folder))).to.match(/the class c, which is not among/)
    const classes = pictures('options')
    for (const options of [{ size: 0 }, { size: 64, resize: 32 }, { threads: 0 }, { threads: 1e9 }]) {
      expect((await laterRefusal(imageClasses(classes, options))).code).to.equal('ERR_ARGUMENT')
    }
    const { dataset } = await imageClasses(classes, PLAIN)
    expect(refusal(() => dataset.batch([0])).message).to.match(/read\(\)/)
    const padded = await laterRefusal(dataset.read([0], { augment: { crop: { padding: 4 } } }))
    expect(padded.message).to.match(/padding is for images in memory/)
    expect((await laterRefusal(dataset.read([dataset.length]))).code).to.equal('ERR_ARGUMENT')
    expect((await laterRefusal(dataset.read([]))).code).to.equal('ERR_ARGUMENT')
    const backwards = { resizedCrop: { scale: [1, 0.5] } } as const
    expect((await laterRefusal(dataset.read([0], { augment: backwards }))).message).to.match(
      /smaller one first/,
    )
  })
})
