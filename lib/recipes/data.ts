import { TorchPruneError } from '../base/errors.js'
import { type Cifar10Options, cifar10 } from '../data/cifar10.js'
import type { DataSplits } from '../data/dataset.js'
import type { ImageFolderOptions } from '../data/images.js'
import { images } from '../data/open_images.js'

/** How a recipe reads its data from the folder or file that a user names. */
export type ReadData = (dir?: string) => Promise<DataSplits>

/** CIFAR-10, in its binary format or as folders of classes. Throws `ERR_ARGUMENT` where no folder is named. */
export function cifar10Data(options?: Cifar10Options): ReadData {
  return async (dir) =>
    cifar10(
      dir ??
        missing(
          'CIFAR-10',
          'the folder of its binary files, or of images as train/<class>/ and test/<class>/',
        ),
      options,
    )
}

/** A folder in ImageNet's layout, or a packed one. Throws `ERR_ARGUMENT` where neither is named. */
export function imageData(options?: ImageFolderOptions): ReadData {
  return async (dir) =>
    images(
      dir ??
        missing('images', 'a folder with train/<class>/ and val/<class>/, or a file of torch-prune pack'),
      options,
    )
}

function missing(what: string, place: string): never {
  throw new TorchPruneError(
    'ERR_ARGUMENT',
    `this recipe needs ${what} from you: name ${place}, with { data }`,
  )
}
