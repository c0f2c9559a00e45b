import { open } from 'node:fs/promises'
import { z } from 'zod'
import { type Abortable, abortOptions } from '../base/abort.js'
import { writeAtomically } from '../base/atomic.js'
import { inputError, refuse, sizeOfFile } from '../base/files.js'
import { callback, path, whole } from '../base/kind.js'
import { type OptionsOf, optional, readOptions } from '../base/option.js'
import { loadAddon } from '../binding/addon.js'
import { type Listener, runJob } from '../binding/native_job.js'
import { Dataset, type SkippedSample } from './dataset.js'
import { enableForeignImages } from './decode.js'
import { nativeFiles, shown } from './image_files.js'
import {
  decodingThreads,
  type ImageOptions,
  type ImageSplits,
  imageFolderOptions,
  imageOptions,
  listSplits,
  nativeImageOptions,
} from './images.js'

// The format, with little-endian numbers:
//     0   8 bytes  'TPIMAGES'
//     8   uint32   version, 1
//     12  uint32   0
//     16  uint64   number of images
//     24  uint64   start of the index: for each image its offset (uint64), width, height, label and 0 (uint32)
//     32  uint64   start of the description: JSON in UTF-8, up to the end of the file
//     40  uint64   length of the file
//     48  16 bytes 0
//     64           the pixels of each image: rows from top to bottom, with red, green and blue bytes interleaved
// Images are in the order of their parts: train, validation, test. The header is written last.
const MAGIC = 'TPIMAGES'
const VERSION = 1
const HEADER = 64
const RECORD = 24
const MOST_DESCRIPTION = 2 ** 28
const FIX = 'pack the images again'

const descriptionSchema = z.object({
  /** The length of the shorter side, in pixels. */
  resize: z.int().min(1),
  classes: z.array(z.string()).min(1),
  parts: z.object({ train: z.int().min(1), validation: z.int().min(1), test: z.int().min(1) }),
})
type Description = z.infer<typeof descriptionSchema>

export const packOptions = {
  /**
   * The length of the shorter side, in pixels.
   * @default 256
   */
  resize: optional(whole(1, 8192), 256),
  validation: imageFolderOptions.validation,
  threads: imageFolderOptions.threads,
  decodeMemory: imageFolderOptions.decodeMemory,
  ...abortOptions,
  /** Called now and then with the number of images that are done. */
  onProgress: optional(callback<Listener>()),
}

/** Options of `packImages`. */
export interface PackOptions extends Abortable, OptionsOf<typeof packOptions> {}

/** What `packImages` wrote. */
export interface PackResult {
  /** The number of images in the file. */
  readonly images: number
  /** The number of classes. */
  readonly classes: number
  /** The size of the file. */
  readonly bytes: number
  /** The images that cannot be decoded and are not in the file. Their index is the one among all files. */
  readonly skipped: readonly SkippedSample[]
}

/**
 * Decodes and resizes the images of a folder (in the layout of `imageFolder`) once, into one file that training reads
 * through a memory map. The file appears either complete or not at all.
 *
 * @throws TorchPruneError `ERR_FILE` for the folder, `ERR_OUTPUT` for the file; the signal's reason when aborted.
 */
export async function packImages(dir: string, out: string, options: PackOptions = {}): Promise<PackResult> {
  const { validation: heldBack, ...given } = readOptions('packImages', packOptions, options)
  const { resize, threads = decodingThreads(), decodeMemory, signal, onProgress } = given
  path.read(out, 'packImages: out')
  const { train, validation, test, classes } = await listSplits(path.read(dir, 'packImages: dir'), heldBack)
  const files = train.concat(validation, test)
  const list = await nativeFiles(files)
  enableForeignImages()
  let result: PackResult | undefined
  await writeAtomically(out, async (temporary) => {
    const native = { out: temporary, offset: HEADER, resize, threads, decodeMemory }
    const packed = await runJob((report) => loadAddon().packStart(list, native, report), signal, onProgress)
    const lost = (from: number, count: number) =>
      packed.skipped.filter(([i]) => i >= from && i < from + count).length
    const ends = [train.length, train.length + validation.length]
    const parts = {
      train: train.length - lost(0, train.length),
      validation: validation.length - lost(ends[0]!, validation.length),
      test: test.length - lost(ends[1]!, test.length),
    }
    for (const [name, count] of Object.entries(parts)) {
      if (count === 0) refuse(dir, `has no ${name} image that can be decoded`, 'look at its files')
    }
    const bytes = await seal(temporary, packed, { resize, classes: [...classes], parts })
    const skipped = packed.skipped.map(([index, reason]) => ({
      index,
      reason: `${shown(files[index]!.path)}: ${reason}`,
    }))
    result = { images: packed.count, classes: classes.length, bytes, skipped }
  })
  return result!
}

/**
 * Opens a file that `packImages` or `torch-prune pack` wrote, as samples `[3, size, size]`. Random crops are cut out of
 * the packed images, and evaluation takes their center. The file must not change while it is read.
 *
 * @throws TorchPruneError `ERR_FILE` when it is not such a file, is cut short, or contradicts itself.
 */
export async function packed(file: string, options: ImageOptions = {}): Promise<ImageSplits> {
  const reading = readOptions('data.packed', imageOptions, options)
  const { index, count, description } = await readLayout(path.read(file, 'data.packed: file'))
  const { resize, classes, parts } = description
  const native = nativeImageOptions({ ...reading, resize: reading.resize ?? resize })
  const layout = { index, count, classes: classes.length }
  const handle = loadAddon().packedMake(file, layout, native)
  using all = new Dataset(handle, count, [3, native.size, native.size])
  const held = parts.train + parts.validation
  return {
    train: all.slice(0, parts.train),
    validation: all.slice(parts.train, held),
    test: all.slice(held),
    classes,
  }
}

/** Adds the description and, last, the header. */
async function seal(
  path: string,
  { index, end, count }: { index: number; end: number; count: number },
  description: Description,
): Promise<number> {
  const text = Buffer.from(JSON.stringify(description))
  const length = end + text.length
  const header = Buffer.alloc(HEADER)
  header.write(MAGIC, 'latin1')
  header.writeUInt32LE(VERSION, 8)
  for (const [i, value] of [count, index, end, length].entries()) {
    header.writeBigUInt64LE(BigInt(value), 16 + 8 * i)
  }
  const file = await open(path, 'r+')
  try {
    await file.write(text, 0, text.length, end)
    await file.write(header, 0, HEADER, 0)
  } finally {
    await file.close()
  }
  return length
}

async function readLayout(path: string) {
  const size = await sizeOfFile(path)
  if (size < HEADER) refuse(path, 'is shorter than the header of packed images', FIX)
  const file = await open(path).catch((cause: unknown) => {
    throw inputError(path, cause)
  })
  try {
    const header = Buffer.alloc(HEADER)
    await file.read(header, 0, HEADER, 0)
    if (header.toString('latin1', 0, 8) !== MAGIC) {
      refuse(path, 'does not hold packed images', 'make them with: torch-prune pack DIR --out FILE')
    }
    const version = header.readUInt32LE(8)
    if (version !== VERSION) refuse(path, `is of version ${version}, not ${VERSION}`, FIX)
    const [count, index, end, length] = [16, 24, 32, 40].map((at) => Number(header.readBigUInt64LE(at))) as [
      number,
      number,
      number,
      number,
    ]
    if (length !== size) {
      refuse(
        path,
        `${size < length ? 'is cut short' : 'continues after its end'}: ${size} of ${length} bytes`,
        FIX,
      )
    }
    const text = size - end
    if (
      count < 1 ||
      index < HEADER ||
      index + count * RECORD !== end ||
      text < 2 ||
      text > MOST_DESCRIPTION
    ) {
      refuse(path, 'has a header that contradicts its length', FIX)
    }
    const bytes = Buffer.alloc(text)
    await file.read(bytes, 0, text, end)
    return { count, index, description: describe(path, bytes, count) }
  } catch (cause) {
    throw inputError(path, cause)
  } finally {
    await file.close()
  }
}

function describe(path: string, bytes: Buffer, count: number): Description {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    refuse(path, 'has a description that is not JSON', FIX)
  }
  const { success, data } = descriptionSchema.safeParse(value)
  if (!success) return refuse(path, 'has a description that torch-prune does not understand', FIX)
  const { train, validation, test } = data.parts
  if (train + validation + test !== count) {
    refuse(path, `has parts of ${train}, ${validation} and ${test} for ${count} images`, FIX)
  }
  return data
}
