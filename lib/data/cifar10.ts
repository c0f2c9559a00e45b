import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { allocate, exists, inputError, refuse, sizeOfFile } from '../base/files.js'
import { path, whole } from '../base/kind.js'
import { type OptionsOf, optional, readOptions } from '../base/option.js'
import { loadAddon } from '../binding/addon.js'
import { runJob } from '../binding/native_job.js'
import { fromManyBytes } from '../tensor/bytes.js'
import { tensor } from '../tensor/from.js'
import { Tensor } from '../tensor/tensor.js'
import { Dataset } from './dataset.js'
import { enableForeignImages } from './decode.js'
import { listClassFolders, nativeFiles, shown } from './image_files.js'
import { decodingThreads } from './images.js'
import type { DataSplits } from './splits.js'

/** The names of the classes, in the order of their labels. */
export const CIFAR10_CLASSES = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
] as const

/** The mean and standard deviation of the training pixels by channel, on the scale 0..1. */
const CIFAR10 = { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] }
const SIDE = 32
const PIXELS = 3 * SIDE * SIDE
// A label, followed by the red, green and blue planes: https://www.cs.toronto.edu/~kriz/cifar.html
const RECORD = 1 + PIXELS
const RECORDS = 10_000
const TRAIN_FILES = [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.bin`)
const FIX =
  'it should hold data_batch_1.bin to data_batch_5.bin and test_batch.bin, or images as train/<class>/ and test/<class>/'

/** The options of `Cifar10Options`, by name. */
export const cifar10Options = {
  /**
   * How many of the last training samples are split off as the validation part.
   * @default 5000
   */
  validation: optional(whole(1), 5000),
}

/** Options of `data.cifar10`. */
export interface Cifar10Options extends OptionsOf<typeof cifar10Options> {}

/**
 * Reads CIFAR-10 into memory as samples `[3, 32, 32]`. The folder holds its binary files, or their folder
 * `cifar-10-batches-bin`, or images as `train/<class>/…` and `test/<class>/…`. Images are ordered so that classes
 * alternate, which gives each class the same number of samples in the validation part.
 *
 * @throws TorchPruneError `ERR_FILE` when the folder does not contain all of it.
 */
export async function cifar10(dir: string, options: Cifar10Options = {}): Promise<DataSplits> {
  const { validation } = readOptions('data.cifar10', cifar10Options, options)
  const folder = await binaryFolder(path.read(dir, 'data.cifar10: dir'))
  if (folder === undefined && !(await exists(join(dir, 'train')))) {
    if (!(await exists(dir))) refuse(dir, 'does not exist', FIX)
    refuse(dir, 'does not hold CIFAR-10', FIX)
  }
  const read = (part: 'train' | 'test') =>
    folder === undefined
      ? readImages(join(dir, part))
      : readBinary((part === 'train' ? TRAIN_FILES : ['test_batch.bin']).map((name) => join(folder, name)))
  using all = await read('train')
  return { ...all.split(validation), test: await read('test') }
}

async function binaryFolder(dir: string): Promise<string | undefined> {
  for (const folder of [dir, join(dir, 'cifar-10-batches-bin')]) {
    if (await exists(join(folder, TRAIN_FILES[0]!))) return folder
  }
  return undefined
}

async function readBinary(paths: readonly string[]): Promise<Dataset> {
  const pixels = allocate(paths.length * RECORDS * PIXELS, paths[0]!)
  const labels = new Uint8Array(paths.length * RECORDS)
  for (const [file, path] of paths.entries()) {
    const bytes = await readRecords(path)
    for (let i = 0; i < RECORDS; i++) {
      const label = bytes[i * RECORD]!
      if (label > 9)
        refuse(path, `holds the label ${label} at ${i}, but the largest class is 9`, 'fetch it again')
      const at = file * RECORDS + i
      labels[at] = label
      pixels.set(bytes.subarray(i * RECORD + 1, (i + 1) * RECORD), at * PIXELS)
    }
  }
  using images = await fromManyBytes({
    dtype: 'uint8',
    shape: [labels.length, 3, SIDE, SIDE],
    data: pixels,
  })
  using bytes = await fromManyBytes({ dtype: 'uint8', shape: [labels.length], data: labels })
  using classes = bytes.to('int64')
  return Dataset.from(images, classes, CIFAR10)
}

/** Reads a whole file, after checking its size. */
async function readRecords(path: string): Promise<Uint8Array> {
  const wanted = RECORDS * RECORD
  const size = await sizeOfFile(path)
  if (size < wanted) refuse(path, `is cut short: it has ${size} of ${wanted} bytes`, 'fetch it again')
  if (size > wanted) {
    refuse(path, `has ${size} bytes, but a CIFAR-10 batch has ${wanted}`, 'is it CIFAR-100, or another file?')
  }
  const bytes = allocate(wanted, path)
  try {
    const file = await open(path)
    try {
      let filled = 0
      while (filled < wanted) {
        const { bytesRead } = await file.read(bytes, filled, wanted - filled, filled)
        if (bytesRead === 0)
          refuse(path, 'became shorter while it was read', 'try again when nothing writes to it')
        filled += bytesRead
      }
    } finally {
      await file.close()
    }
  } catch (cause) {
    throw inputError(path, cause)
  }
  return bytes
}

async function readImages(dir: string): Promise<Dataset> {
  const { files } = await listClassFolders(dir, CIFAR10_CLASSES)
  const places = new Array<number>(CIFAR10_CLASSES.length).fill(0)
  const turns = files
    .map((file) => ({ ...file, place: places[file.label]!++ }))
    .sort((a, b) => a.place - b.place || a.label - b.label)
  const absent = places.indexOf(0)
  if (absent >= 0) refuse(dir, `has no images of the class ${CIFAR10_CLASSES[absent]}`, FIX)
  enableForeignImages()
  const options = { width: SIDE, height: SIDE, threads: decodingThreads() }
  const list = await nativeFiles(turns)
  const { pixels, skipped } = await runJob(() => loadAddon().imagesDecode(list, options))
  using images = Tensor.wrap(pixels)
  if (skipped.length > 0) {
    const [index, reason] = skipped[0]!
    const what = `${reason}; ${skipped.length} of ${turns.length} images are like that`
    refuse(shown(turns[index]!.path), what, FIX)
  }
  using labels = tensor(
    turns.map((file) => file.label),
    { dtype: 'int64' },
  )
  return Dataset.from(images, labels, CIFAR10)
}
