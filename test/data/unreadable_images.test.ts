import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import sharp from 'sharp'
import { imageClasses } from '../../lib/data/images.js'
import { flatten, linear } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { sgd } from '../../lib/optim/spec.js'
import { evaluate } from '../../lib/train/evaluate.js'
import { train } from '../../lib/train/train.js'
import { device } from '../support/device.js'
import { freshFolder } from '../support/folder.js'
import { laterRefusal, refusedWith } from '../support/refusal.js'
import { AUGMENT, everyone, fixture, PICTURES, PLAIN } from './pictures.js'

const box = freshFolder()

describe('a folder of images', () => {
  it('leaves out and lists what cannot be decoded, and trains on the rest', async () => {
    const folder = box('bad')
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
    const folder = box('endless')
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

  it('leaves out what takes more memory to decode than it may', async () => {
    const folder = box('large')
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
})
