import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { loadAddon } from '../../lib/binding/addon.js'
import type { Augmentation } from '../../lib/data/augment.js'
import { type ImageOptions, imageClasses, imageFolder } from '../../lib/data/images.js'
import { flatten, linear } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { sgd } from '../../lib/optim/spec.js'
import { memory } from '../../lib/tensor/scope.js'
import type { Tensor } from '../../lib/tensor/tensor.js'
import { train } from '../../lib/train/train.js'
import { writePictures } from '../../scripts/imagenet/pictures.js'
import { device } from '../support/device.js'
import { freshFolder } from '../support/folder.js'
import { laterRefusal, refusal, refusedWith } from '../support/refusal.js'
import { AUGMENT, everyone, fixture, golden, PICTURES, PLAIN, pictures, twoClasses } from './pictures.js'

const box = freshFolder()

function expectBytes(images: Tensor, row: number, expected: Tensor, what: string): void {
  using bytes = images.select(0, row).mul(255).round()
  using wanted = expected.to('float32')
  const furthest = Number(bytes.sub(wanted).abs().max().item())
  if (furthest !== 0) expect.fail(`${what}: ${furthest} of 255 from torchvision's`)
}

async function agrees(options: ImageOptions, key: string, augment?: Augmentation, seed?: number) {
  const { dataset } = await imageClasses(pictures(box(key)), {
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
    const folder = pictures(box('fast'))
    const { dataset } = await imageClasses(folder, { ...PLAIN, size: 16, resize: 16 })
    const { dataset: exact } = await imageClasses(folder, { ...PLAIN, size: 16, resize: 16, exact: true })
    using fast = await dataset.read(everyone(dataset), { augment: AUGMENT, seed: 1 })
    using slow = await exact.read(everyone(dataset), { augment: AUGMENT, seed: 1 })
    const mean = Number(fast.images.sub(slow.images).abs().mean().item())
    expect(mean).to.be.above(0)
    expect(mean).to.be.below(3 / 255)
  })

  it('decodes fast into the same pixels, whatever its thread decoded before', async () => {
    const folder = box('small')
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
    const folder = pictures(box('threads'))
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
    const splits = await imageFolder(twoClasses(box('splits')), { ...PLAIN, validation: 4 })
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

  it('reads files whose names are no UTF-8', async () => {
    const folder = box('latin')
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
    const { dataset } = await imageClasses(pictures(box('abort')), PLAIN)
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
    const { dataset } = await imageClasses(pictures(box('leak')), PLAIN)
    const before = memory.liveTensors().tensors
    for (let i = 0; i < 3; i++) {
      using samples = await dataset.read(everyone(dataset), { augment: AUGMENT, seed: i })
      expect(samples.images.shape).to.deep.equal([fixture.files.length, 3, 32, 32])
    }
    expect(memory.liveTensors().tensors).to.be.at.most(before)
  })

  it('refuses other layouts, and options that make no sense', async () => {
    const empty = box('empty')
    mkdirSync(join(empty, 'train', 'a'), { recursive: true })
    expect(await refusedWith(imageFolder(box('missing')))).to.match(/missing: does not exist; it should hold/)
    expect(await refusedWith(imageFolder(empty))).to.match(/no train\/ beside val\//)
    mkdirSync(join(empty, 'val', 'z'), { recursive: true })
    expect(await refusedWith(imageFolder(empty))).to.match(/train\/a: holds no images/)
    const folder = twoClasses(box('strange'))
    mkdirSync(join(folder, 'val', 'c'))
    expect(await refusedWith(imageFolder(folder))).to.match(/the class c, which is not among/)
    const classes = pictures(box('options'))
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
