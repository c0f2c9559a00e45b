import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { list } from '../base/collection.js'
import { availableCores } from '../base/cores.js'
import { TorchPruneError } from '../base/errors.js'
import { exists, refuse } from '../base/files.js'
import { boolean, number, path, whole } from '../base/kind.js'
import { type OptionsOf, optional, type ReadOf, readOptions } from '../base/option.js'
import { loadAddon } from '../binding/addon.js'
import { Dataset } from './dataset.js'
import { enableForeignImages } from './decode.js'
import { type ImageFile, listClassFolders, nativeFiles, stretchesOf } from './image_files.js'
import type { DataSplits } from './splits.js'

/**
 * The mean and standard deviation of ImageNet's training pixels by channel, on the scale 0..1; torchvision's networks
 * are trained with them.
 */
export const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const

const ofChannels = list(number(), 'an array of numbers, one for each channel')

/** The options of `ImageOptions`, by name. */
export const imageOptions = {
  /**
   * The height and width of samples, in pixels.
   * @default 224
   */
  size: optional(whole(1, 4096), 224),
  /**
   * The length of the shorter side in pixels, from which evaluation crops the center.
   * @default 256 / 224 of `size`
   */
  resize: optional(whole(1, 8192)),
  /**
   * The value to subtract from each channel, on the scale 0..1.
   * @default ImageNet's mean
   */
  mean: optional(ofChannels, IMAGENET.mean),
  /**
   * The value to divide each channel by, on the scale 0..1.
   * @default ImageNet's standard deviation
   */
  std: optional(ofChannels, IMAGENET.std),
  /**
   * The number of threads that decode, in addition to the thread that computes.
   * @default the number of cores, at most 4
   */
  threads: optional(whole(1, 256)),
  /**
   * The number of batches that are read ahead.
   * @default 2
   */
  ahead: optional(whole(1, 64), 2),
  /**
   * Whether augmented samples are decoded exactly as for evaluation. If not, they are decoded in a faster way that
   * shifts pixels slightly: large images at a half, a quarter or an eighth of their size, and with simple upsampling of
   * colors.
   * @default false
   */
  exact: optional(boolean, false),
  /**
   * The number of bytes that decoding one image may take, per thread. An image that would take more is left out and
   * listed in `skipped`.
   * @default 512 MB
   */
  decodeMemory: optional(whole(1), 2 ** 29),
}

/** The options of `ImageFolderOptions`, by name. */
export const imageFolderOptions = {
  ...imageOptions,
  /**
   * The number of training images that are split off as the validation part, taken evenly from all classes.
   * @default a twentieth of them
   */
  validation: optional(whole(1)),
}

/** How samples are made from images, and how they are read. */
export interface ImageOptions extends OptionsOf<typeof imageOptions> {}

/** Options of `data.imageFolder`. */
export interface ImageFolderOptions extends OptionsOf<typeof imageFolderOptions> {}

/** A data set of images, and the names of its classes. */
export interface ImageSplits extends DataSplits {
  /** The names of the classes, in the order of their labels. */
  readonly classes: readonly string[]
}

/**
 * Opens images in ImageNet's layout, `train/<class>/…` and `val/<class>/…` (or `test/<class>/…`). They are decoded as
 * they are needed, to samples `[3, size, size]`. `val` becomes the test part, because no choices may be made on it; the
 * validation part is split off from the training images. Images that cannot be decoded are left out and listed in
 * `dataset.skipped`. Images are converted to RGB; EXIF orientation is ignored, as in torchvision.
 *
 * @throws TorchPruneError `ERR_FILE` when the folder has another layout.
 */
export async function imageFolder(dir: string, options: ImageFolderOptions = {}): Promise<ImageSplits> {
  const { validation: held, ...reading } = readOptions('data.imageFolder', imageFolderOptions, options)
  const { train, validation, test, classes } = await listSplits(path.read(dir, 'data.imageFolder: dir'), held)
  return {
    train: await fromFiles(train, reading),
    validation: await fromFiles(validation, reading),
    test: await fromFiles(test, reading),
    classes,
  }
}

/** Lists the files of ImageNet's layout by part. Throws `ERR_FILE` for another layout. */
export async function listSplits(dir: string, validation?: number) {
  const train = join(dir, 'train')
  const held = (await exists(join(dir, 'val'))) ? join(dir, 'val') : join(dir, 'test')
  if (!(await exists(train)) || !(await exists(held))) {
    const what = (await exists(dir)) ? 'has no train/ beside val/ or test/' : 'does not exist'
    refuse(dir, what, 'it should hold train/<class>/<image> and val/<class>/<image> files')
  }
  const { classes, files } = await listClassFolders(train)
  const test = await listClassFolders(held, classes)
  const [kept, cut] = await takeEvenly(files, validation ?? Math.max(1, Math.round(files.length / 20)))
  return { train: kept, validation: cut, test: test.files, classes }
}

/**
 * Opens the images of one folder of classes, `<class>/…`, as one dataset in the order of torchvision's `ImageFolder`.
 *
 * @throws TorchPruneError `ERR_FILE` when there are none.
 */
export async function imageClasses(
  dir: string,
  options: ImageOptions = {},
): Promise<{ readonly dataset: Dataset; readonly classes: readonly string[] }> {
  const reading = readOptions('data.imageClasses', imageOptions, options)
  const { classes, files } = await listClassFolders(path.read(dir, 'data.imageClasses: dir'))
  return { dataset: await fromFiles(files, reading), classes }
}

/** Image options with defaults filled in. */
export type ImageReading = ReadOf<typeof imageOptions>

/** Converts options for the addon, with the defaults that depend on other options or on the machine. */
export function nativeImageOptions(options: ImageReading) {
  const { size, resize = Math.round((size * 256) / 224), threads = decodingThreads() } = options
  return { ...options, resize, threads }
}

/** The default number of threads that decode. */
export function decodingThreads(): number {
  return Math.min(4, availableCores())
}

async function fromFiles(files: readonly ImageFile[], options: ImageReading): Promise<Dataset> {
  const native = nativeImageOptions(options)
  enableForeignImages()
  const handle = loadAddon().imageFolderMake(await nativeFiles(files), native)
  return new Dataset(handle, files.length, [3, native.size, native.size])
}

/** Takes `count` elements of a list at even distances, and returns the rest as well. */
async function takeEvenly<T>(
  list: readonly T[],
  count: number,
): Promise<[rest: readonly T[], taken: readonly T[]]> {
  if (!Number.isInteger(count) || count < 1 || count >= list.length) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `a validation part of ${count} of ${list.length} images: use 1 to ${list.length - 1}`,
    )
  }
  const rest: T[] = []
  const taken: T[] = []
  let next = Math.floor((0.5 * list.length) / count)
  let at = 0
  for (const part of stretchesOf(list)) {
    for (const item of part) {
      if (at++ !== next) {
        rest.push(item)
        continue
      }
      taken.push(item)
      next = Math.floor(((taken.length + 0.5) * list.length) / count)
    }
    await nextTurn()
  }
  return [rest, taken]
}
