import { join } from 'node:path'
import { loadAddon } from '../binding/addon.js'
import { availableCores } from '../binding/cores.js'
import { TorchPruneError } from '../errors.js'
import { exists, refuse } from '../io/files.js'
import { tensor } from '../tensor/from.js'
import { type DataSplits, Dataset } from './dataset.js'
import { enableForeignImages } from './decode.js'
import { type ClassFolders, listClassFolders } from './image_files.js'

/** Of ImageNet's training pixels by channel, in 0..1: what torchvision's networks are trained with. */
export const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const

/** How samples are made of images, and read. */
export interface ImageOptions {
  /** Height and width of samples. 224 unless given. */
  readonly size?: number | undefined
  /** For evaluation: the length of the shorter side before the centre is cropped. 256/224 of `size` unless given. */
  readonly resize?: number | undefined
  /** By channel, in 0..1. ImageNet's unless given. */
  readonly mean?: readonly number[] | undefined
  readonly std?: readonly number[] | undefined
  /** Threads that decode, besides the one that computes. As many as cores, at most 4, unless given. */
  readonly threads?: number | undefined
  /** Batches that are read ahead. 2 unless given. */
  readonly ahead?: number | undefined
  /**
   * Augmented samples are decoded in a faster way that moves pixels a little: large images at a half, a quarter or
   * an eighth, colours upsampled plainly. True decodes them as evaluation does.
   */
  readonly exact?: boolean | undefined
}

export interface ImageFolderOptions extends ImageOptions {
  /** How many training images make the validation part, taken evenly from all classes. A twentieth unless given. */
  readonly validation?: number | undefined
}

export interface ImageSplits extends DataSplits {
  /** In the order of their labels. */
  readonly classes: readonly string[]
}

/**
 * Images in ImageNet's layout, `train/<class>/…` and `val/<class>/…` (or `test/<class>/…`), decoded as they are
 * needed; samples `[3, size, size]`. `val` becomes the test part, for choices must not be made on it: the validation
 * part is cut out of the training images. What cannot be decoded is left out and listed in `dataset.skipped`.
 * Images are converted to RGB; EXIF orientation is ignored, as in torchvision.
 *
 * @throws TorchPruneError `ERR_FILE` when the layout is another one.
 */
export async function imageFolder(dir: string, options: ImageFolderOptions = {}): Promise<ImageSplits> {
  const { train, validation, test, classes } = await listSplits(dir, options.validation)
  return {
    train: fromFiles(train, options),
    validation: fromFiles(validation, options),
    test: fromFiles(test, options),
    classes,
  }
}

type ImageFile = ClassFolders['files'][number]

/** The files of ImageNet's layout by part. */
export async function listSplits(dir: string, validation?: number) {
  const train = join(dir, 'train')
  const held = (await exists(join(dir, 'val'))) ? join(dir, 'val') : join(dir, 'test')
  if (!(await exists(train)) || !(await exists(held))) {
    const what = (await exists(dir)) ? 'has no train/ beside val/ or test/' : 'does not exist'
    refuse(dir, what, 'it should hold train/<class>/<image> and val/<class>/<image> files')
  }
  const { classes, files } = await listClassFolders(train)
  const test = await listClassFolders(held, classes)
  const [kept, cut] = takeEvenly(files, validation ?? Math.max(1, Math.round(files.length / 20)))
  return { train: kept, validation: cut, test: test.files, classes }
}

/**
 * The images of one folder of classes, `<class>/…`, as one dataset in the order of torchvision's `ImageFolder`.
 *
 * @throws TorchPruneError `ERR_FILE` when there are none.
 */
export async function imageClasses(
  dir: string,
  options: ImageOptions = {},
): Promise<{ readonly dataset: Dataset; readonly classes: readonly string[] }> {
  const { classes, files } = await listClassFolders(dir)
  return { dataset: fromFiles(files, options), classes }
}

/** As the addon takes them, defaults filled in. */
export function nativeImageOptions(options: ImageOptions) {
  const { size = 224, mean = IMAGENET.mean, std = IMAGENET.std, ahead = 2, exact = false } = options
  const { resize = Math.round((size * 256) / 224), threads = decodingThreads() } = options
  return { size, resize, mean, std, threads, ahead, exact }
}

/** How many threads decode where nobody says. */
export function decodingThreads(): number {
  return Math.min(4, availableCores())
}

function fromFiles(files: readonly ImageFile[], options: ImageOptions): Dataset {
  const native = nativeImageOptions(options)
  enableForeignImages()
  using labels = tensor(
    files.map((file) => file.label),
    { dtype: 'int64' },
  )
  const paths = files.map((file) => file.path)
  const handle = loadAddon().imageFolderMake(paths, labels.handle, native)
  return new Dataset(handle, files.length, [3, native.size, native.size])
}

/** `count` of a list at even distances, and the rest. */
function takeEvenly<T>(list: readonly T[], count: number): [rest: T[], taken: T[]] {
  if (!Number.isInteger(count) || count < 1 || count >= list.length) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `a validation part of ${count} of ${list.length} images: use 1 to ${list.length - 1}`,
    )
  }
  const taken = new Set(
    Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * list.length) / count)),
  )
  return [list.filter((_, i) => !taken.has(i)), list.filter((_, i) => taken.has(i))]
}
