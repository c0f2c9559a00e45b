import { stat } from 'node:fs/promises'
import { path as pathKind } from '../base/kind.js'
import { readOptions } from '../base/option.js'
import { type ImageFolderOptions, type ImageSplits, imageFolder, imageFolderOptions } from './images.js'
import { packed } from './packed.js'

/**
 * Images in ImageNet's layout, or a file of them that was packed, whichever the path is. Of a packed file the
 * validation part is fixed.
 *
 * @throws TorchPruneError `ERR_FILE` when it is neither.
 */
export async function images(path: string, options: ImageFolderOptions = {}): Promise<ImageSplits> {
  // What is wrong with a path that cannot be looked at, the folder's reader says.
  const stats = await stat(pathKind.read(path, 'data.images: path')).catch(() => undefined)
  const { validation: _, ...reading } = readOptions('data.images', imageFolderOptions, options)
  return stats?.isFile() ? packed(path, reading) : imageFolder(path, options)
}
