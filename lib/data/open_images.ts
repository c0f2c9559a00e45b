import { stat } from 'node:fs/promises'
import { path as pathKind } from '../base/kind.js'
import { readOptions } from '../base/option.js'
import { type ImageFolderOptions, type ImageSplits, imageFolder, imageFolderOptions } from './images.js'
import { packed } from './packed.js'

/**
 * Opens images in ImageNet's layout, or a file of packed images, depending on what the path is. The validation part of
 * a packed file is fixed.
 *
 * @throws TorchPruneError `ERR_FILE` when it is neither.
 */
export async function images(path: string, options: ImageFolderOptions = {}): Promise<ImageSplits> {
  // If stat fails, imageFolder() reports why.
  const stats = await stat(pathKind.read(path, 'data.images: path')).catch(() => undefined)
  const { validation: _, ...reading } = readOptions('data.images', imageFolderOptions, options)
  return stats?.isFile() ? packed(path, reading) : imageFolder(path, options)
}
