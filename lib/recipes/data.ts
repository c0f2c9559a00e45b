import { TorchPruneError } from '../base/errors.js'
import { inWords, type Kind, wrongValue } from '../base/kind.js'
import { made } from '../base/option.js'
import { type Cifar10Options, cifar10, cifar10Options } from '../data/cifar10.js'
import { type ImageFolderOptions, imageFolderOptions } from '../data/images.js'
import { type MnistOptions, mnist, mnistOptions } from '../data/mnist.js'
import { images } from '../data/open_images.js'
import type { DataSplits } from '../data/splits.js'

/** The data sets that a recipe can name, with their options. */
const dataSets = { mnist: mnistOptions, cifar10: cifar10Options, images: imageFolderOptions }

/** A data set by its name, with its options. */
export type NamedData =
  | ({ readonly kind: 'mnist' } & MnistOptions)
  | ({ readonly kind: 'cifar10' } & Cifar10Options)
  | ({ readonly kind: 'images' } & ImageFolderOptions)

/** The data of a recipe: the name of a data set, with or without options, or a function that reads a user's path. */
export type DataSource = NamedData['kind'] | NamedData | ((path?: string) => Promise<DataSplits>)

const names = Object.keys(dataSets)
const namedData = made<NamedData>({ kinds: dataSets, makers: names })

/** The data of a recipe as a field of it. */
export const dataKind: Kind<Exclude<DataSource, string>, DataSource> = {
  expected: `${inWords(names.map((name) => `'${name}'`))}, or { kind: one of them, … }`,
  fits: (value) => typeof value === 'string' || namedData.fits(value),
  read(value, name) {
    if (typeof value === 'function') return value as (path?: string) => Promise<DataSplits>
    const whole = typeof value === 'string' ? { kind: value } : (value as { readonly kind?: unknown } | null)
    if (!names.includes(String(whole?.kind))) throw wrongValue(name, this.expected, value)
    return namedData.read(whole, name)
  },
  schema: (help) => ({ anyOf: [{ enum: names }, namedData.schema!(help)] }),
}

/** Reads the data of a recipe from a user's path. Throws `ERR_ARGUMENT` if the path is missing and needed. */
export async function readData(source: DataSource, path?: string): Promise<DataSplits> {
  if (typeof source === 'function') return source(path)
  const { kind, ...options } = typeof source === 'string' ? { kind: source } : source
  switch (kind) {
    case 'mnist':
      return mnist(path, options)
    case 'cifar10':
      return cifar10(
        path ??
          missing(
            'CIFAR-10',
            'the folder of its binary files, or of images as train/<class>/ and test/<class>/',
          ),
        options,
      )
    case 'images':
      return images(
        path ??
          missing('images', 'a folder with train/<class>/ and val/<class>/, or a file of torch-prune pack'),
        options,
      )
  }
}

function missing(what: string, place: string): never {
  throw new TorchPruneError(
    'ERR_ARGUMENT',
    `this recipe needs ${what} from you: name ${place}, with { data }`,
  )
}
