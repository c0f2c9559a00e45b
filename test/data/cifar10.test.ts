import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdtemp, open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import sharp from 'sharp'
import { CIFAR10_CLASSES, cifar10 } from '../../lib/data/cifar10.js'
import { laterRefusal, refusedWith } from '../support/refusal.js'

const RECORD = 3073
const BYTES = 10_000 * RECORD
const NAMES = [...[1, 2, 3, 4, 5].map((n) => `data_batch_${n}.bin`), 'test_batch.bin']

let root = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'torch-prune-cifar-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** Six files of black aeroplanes, which take no room on the disk. */
function blank(folder = root): string {
  mkdirSync(folder, { recursive: true })
  for (const name of NAMES) {
    writeFileSync(join(folder, name), '')
    truncateSync(join(folder, name), BYTES)
  }
  return folder
}

async function poke(name: string, at: number, bytes: number[]): Promise<void> {
  const file = await open(join(root, name), 'r+')
  await file.write(Uint8Array.from(bytes), 0, bytes.length, at)
  await file.close()
}

async function paint(path: string, colour: string, side = 32): Promise<void> {
  await sharp({ create: { width: side, height: side, channels: 3, background: colour } }).toFile(path)
}

describe('CIFAR-10', () => {
  it('reads binary batches: a label, then red, green and blue planes', async () => {
    blank()
    await poke('data_batch_2.bin', 7 * RECORD, [9, 255])
    await poke('data_batch_5.bin', 9999 * RECORD, [4])
    await poke('data_batch_5.bin', 9999 * RECORD + 1 + 2048, [51])
    await poke('test_batch.bin', 0, [3])
    const splits = await cifar10(root)
    expect([splits.train.length, splits.validation.length, splits.test.length]).to.deep.equal([
      45_000, 5000, 10_000,
    ])
    expect(splits.train.sampleShape).to.deep.equal([3, 32, 32])
    using one = await splits.train.read([10_007])
    expect(one.labels.item()).to.equal(9)
    expect(one.images.select(1, 0).flatten().select(0, 0).item()).to.be.closeTo((1 - 0.4914) / 0.247, 1e-5)
    using last = await splits.validation.read([4999])
    expect(last.labels.item()).to.equal(4)
    expect(last.images.select(1, 2).flatten().select(0, 0).item()).to.be.closeTo(
      (0.2 - 0.4465) / 0.2616,
      1e-5,
    )
    using first = await splits.test.read([0])
    expect(first.labels.item()).to.equal(3)
  })

  it('finds the folder that the archive unpacks to', async () => {
    blank(join(root, 'cifar-10-batches-bin'))
    expect((await cifar10(root, { validation: 10 })).validation.length).to.equal(10)
  })

  it('reads images by class, the classes taking turns', async () => {
    for (const part of ['train', 'test']) {
      for (const [label, name] of CIFAR10_CLASSES.entries()) {
        mkdirSync(join(root, part, name), { recursive: true })
        for (let i = 0; i < 3; i++)
          await paint(join(root, part, name, `${i}.png`), `rgb(${20 * label}, ${i}, 0)`)
      }
    }
    const splits = await cifar10(root, { validation: 10 })
    expect([splits.train.length, splits.validation.length, splits.test.length]).to.deep.equal([20, 10, 30])
    using held = await splits.validation.read([0, 9])
    expect(held.labels.toArray()).to.deep.equal([0, 9])
    const red = held.images.select(1, 0).select(0, 1).flatten().select(0, 5).item()
    expect(red).to.be.closeTo((180 / 255 - 0.4914) / 0.247, 1e-5)

    await paint(join(root, 'test', 'ship', '1.png'), 'red', 40)
    expect(await refusedWith(cifar10(root, { validation: 10 }))).to.match(
      /ship\/1\.png: has 40×40 pixels, not 32×32; 1 of 30/,
    )
    rmSync(join(root, 'test', 'ship'), { recursive: true })
    expect(await refusedWith(cifar10(root, { validation: 10 }))).to.match(/no images of the class ship/)
  })

  it('refuses files that are missing, cut short, too long, or something else', async () => {
    expect(await refusedWith(cifar10(join(root, 'nowhere')))).to.match(
      /nowhere: does not exist; it should hold/,
    )
    expect(await refusedWith(cifar10(root))).to.match(
      /does not hold CIFAR-10; it should hold data_batch_1\.bin/,
    )
    blank()
    truncateSync(join(root, 'data_batch_3.bin'), BYTES - 1)
    expect(await refusedWith(cifar10(root))).to.match(
      /data_batch_3\.bin: is cut short: it has 30729999 of 30730000 bytes/,
    )
    truncateSync(join(root, 'data_batch_3.bin'), BYTES + 10_000)
    expect(await refusedWith(cifar10(root))).to.match(/has 30740000 bytes.*CIFAR-100/)
    blank()
    await poke('data_batch_1.bin', 5 * RECORD, [10])
    expect(await refusedWith(cifar10(root))).to.match(/data_batch_1\.bin: holds the label 10 at 5/)
    blank()
    rmSync(join(root, 'test_batch.bin'))
    expect(await refusedWith(cifar10(root))).to.match(/test_batch\.bin: does not exist/)
    blank()
    expect((await laterRefusal(cifar10(root, { validation: 50_000 }))).message).to.match(
      /validation part of 50000/,
    )
  })
})
