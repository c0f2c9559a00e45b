import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Dataset } from '../../lib/data/dataset.js'
import { imageFolder } from '../../lib/data/images.js'
import { packed, packImages } from '../../lib/data/packed.js'
import { laterRefusal, refusedWith } from '../support/refusal.js'

const PICTURES = new URL('../golden/images/all', import.meta.url).pathname
const PLAIN = { size: 32, mean: [0, 0, 0], std: [1, 1, 1] }
const PACKING = { resize: 40, validation: 4 }
const everyone = (dataset: Dataset) => Array.from({ length: dataset.length }, (_, i) => i)

let root = ''
let folder = ''
let file = ''
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'torch-prune-packed-'))
  folder = join(root, 'images')
  for (const part of ['train/a', 'train/b', 'val/b']) {
    cpSync(PICTURES, join(folder, part), { recursive: true })
  }
  writeFileSync(join(folder, 'train/a/text.jpg'), 'no picture')
  file = join(root, 'images.pack')
})
after(() => rmSync(root, { recursive: true, force: true }))

/** The packed file with some bytes changed. */
function forged(change: (bytes: Buffer) => Buffer | undefined): string {
  const bytes = readFileSync(file)
  const path = join(root, 'forged.pack')
  writeFileSync(path, change(bytes) ?? bytes)
  return path
}

describe('packed images', () => {
  it('hold what the folder holds, without what cannot be decoded', async () => {
    const seen: number[] = []
    const result = await packImages(folder, file, { ...PACKING, onProgress: ({ done }) => seen.push(done) })
    const count = readdirSync(PICTURES).length
    expect(result.images).to.equal(3 * count)
    expect(result.classes).to.equal(2)
    expect(result.skipped.map(({ reason }) => reason)).to.have.length(1)
    expect(result.skipped[0]!.reason).to.match(/train\/a\/text\.jpg: /)
    expect(result.bytes).to.equal(readFileSync(file).length)

    const from = await imageFolder(folder, { ...PLAIN, ...PACKING })
    const splits = await packed(file, PLAIN)
    expect(splits.classes).to.deep.equal(['a', 'b'])
    for (const part of ['train', 'validation', 'test'] as const) {
      using mine = await splits[part].read(everyone(splits[part]))
      using theirs = await from[part].read(everyone(from[part]))
      expect(mine.images.equal(theirs.images), part).to.equal(true)
      expect(mine.labels.equal(theirs.labels), part).to.equal(true)
    }
  })

  it('are the same file whatever the threads', async () => {
    const other = join(root, 'other.pack')
    await packImages(folder, other, { ...PACKING, threads: 1 })
    expect(readFileSync(other).equals(readFileSync(file))).to.equal(true)
  })

  it('give the random windows that the folder gives, and resized crops that repeat', async () => {
    const from = await imageFolder(folder, { ...PLAIN, ...PACKING, exact: true })
    const { test } = await packed(file, PLAIN)
    const window = { augment: { crop: {}, flip: true, cutout: 6 }, seed: 3 }
    using mine = await test.read(everyone(test), window)
    using theirs = await from.test.read(everyone(from.test), window)
    expect(mine.images.equal(theirs.images)).to.equal(true)
    const resized = { augment: { resizedCrop: true, flip: true }, seed: 3 } as const
    using first = await test.read(everyone(test), resized)
    using second = await (await packed(file, { ...PLAIN, threads: 1 })).test.read(everyone(test), resized)
    expect(first.images.equal(second.images)).to.equal(true)
    expect(first.images.equal(mine.images)).to.equal(false)
  })

  it('are written whole or not at all', async () => {
    const kept = join(root, 'kept.pack')
    copyFileSync(file, kept)
    const error = await packImages(folder, kept, { ...PACKING, signal: AbortSignal.abort() }).then(
      () => undefined,
      (cause: unknown) => cause,
    )
    expect(error).to.have.property('name', 'AbortError')
    expect(readFileSync(kept).equals(readFileSync(file))).to.equal(true)
    const place = await laterRefusal(packImages(folder, join(root, 'no', 'where.pack'), PACKING))
    expect(place.code).to.equal('ERR_OUTPUT')
    mkdirSync(join(root, 'bad', 'train', 'a'), { recursive: true })
    mkdirSync(join(root, 'bad', 'val', 'a'), { recursive: true })
    for (const name of ['train/a/1.jpg', 'train/a/2.jpg', 'val/a/1.jpg']) {
      writeFileSync(join(root, 'bad', name), 'no picture')
    }
    const none = await refusedWith(packImages(join(root, 'bad'), kept))
    expect(none).to.match(/no train image that can be decoded/)
    expect(readdirSync(root).filter((name) => name.includes('.tmp'))).to.deep.equal([])
  })

  it('refuse files that lie', async () => {
    const lies: [RegExp, (bytes: Buffer) => Buffer | undefined][] = [
      [/shorter than the header/, (bytes) => bytes.subarray(0, 63)],
      [/does not hold packed images/, (bytes) => void bytes.write('X', 0)],
      [/is of version 2/, (bytes) => void bytes.writeUInt32LE(2, 8)],
      [/is cut short/, (bytes) => bytes.subarray(0, bytes.length - 1)],
      [/continues after its end/, (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])],
      [/contradicts its length/, (bytes) => void bytes.writeBigUInt64LE(2n ** 63n, 16)],
      [/contradicts its length/, (bytes) => void bytes.writeBigUInt64LE(0n, 16)],
      [/contradicts its length/, (bytes) => void bytes.writeBigUInt64LE(8n, 24)],
      [/contradicts its length/, (bytes) => void bytes.writeBigUInt64LE(BigInt(bytes.length), 32)],
      [/not JSON/, (bytes) => void bytes.write('?', Number(bytes.readBigUInt64LE(32)))],
      [/does not understand/, (bytes) => void bytes.write('xxxx', bytes.lastIndexOf('"resize"') + 1)],
      [/parts of/, (bytes) => void bytes.write('5', bytes.lastIndexOf('"validation":') + 13)],
    ]
    for (const [message, change] of lies)
      expect(await refusedWith(packed(forged(change), PLAIN))).to.match(message)
    const record = (at: number, write: (bytes: Buffer, at: number) => void) => (bytes: Buffer) =>
      void write(bytes, Number(bytes.readBigUInt64LE(24)) + at)
    const wrong = [
      record(0, (bytes, at) => bytes.writeBigUInt64LE(2n ** 64n - 1n, at)),
      record(0, (bytes, at) => bytes.writeBigUInt64LE(BigInt(bytes.length - 10), at)),
      record(8, (bytes, at) => bytes.writeUInt32LE(2 ** 32 - 1, at)),
      record(12, (bytes, at) => bytes.writeUInt32LE(2 ** 32 - 1, at)),
      record(12, (bytes, at) => bytes.writeUInt32LE(0, at)),
      record(16, (bytes, at) => bytes.writeUInt32LE(2, at)),
    ]
    for (const change of wrong) {
      expect(await refusedWith(packed(forged(change), PLAIN))).to.match(
        /do not lie in the file|has the label 2 of 2/,
      )
    }
    expect(await refusedWith(packed(join(root, 'missing.pack')))).to.match(/does not exist/)
    expect(await refusedWith(packed(root))).to.match(/is a folder/)
  })

  const changes: [string, (path: string, bytes: Buffer) => void][] = [
    ['is cut', (path) => truncateSync(path, 0)],
    ['is cut to its half', (path, bytes) => truncateSync(path, bytes.length >> 1)],
    ['is written over by a smaller one', (path) => writeFileSync(path, 'x')],
    ['is written over by one as large', (path, bytes) => writeFileSync(path, bytes.fill(9, 64))],
  ]
  for (const [what, change] of changes) {
    it(`are an error, and not the end of the process, when the file ${what} while it is open`, async () => {
      const path = forged(() => undefined)
      const { train, validation, test } = await packed(path, PLAIN)
      using samples = await train.read([0])
      expect(samples.indices).to.deep.equal([0])
      // The time of a change is as exact as the system's clock ticks.
      utimesSync(path, new Date(0), new Date(0))
      change(path, readFileSync(path))
      for (const augment of [undefined, { resizedCrop: true } as const])
        expect(await refusedWith(train.read([0], { augment }))).to.match(/was changed while it was read/)
      for (const part of [train, validation, test]) part.dispose()
    })
  }

  it('are read on when the file is removed or another one takes its name', async () => {
    const path = forged(() => undefined)
    const { train } = await packed(path, PLAIN)
    rmSync(path)
    writeFileSync(path, 'another')
    using samples = await train.read([0])
    expect(samples.indices).to.deep.equal([0])
  })
})
