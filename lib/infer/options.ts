import { abortOptions } from '../base/abort.js'
import { list } from '../base/collection.js'
import { computeOptions } from '../base/compute.js'
import { whole, words } from '../base/kind.js'
import { type OptionsOf, optional } from '../base/option.js'
import { ofChannels } from '../data/dataset_options.js'
import { deviceKind } from '../tensor/device.js'
import type { LayerForm } from './session.js'

/** The ways to compute a layer, in the order of tables. */
export const LAYER_FORMS = [
  'dense',
  'packed',
  'csr',
  'sparse',
  'shared',
  'semi-structured',
] as const satisfies readonly LayerForm[]

export const compileOptions = {
  /**
   * Where the session runs: `'cpu'`, `'cuda'`, `'cuda:N'` or `'best'`. On a GPU, a batch is one CUDA graph.
   * @default the network's device
   */
  device: optional(deviceKind),
  /**
   * On a GPU, what layers with weights are computed in; what goes in and comes out are float32 all the same.
   * @default 'none': float32
   */
  autocast: computeOptions.autocast,
  /**
   * How many samples run together. Which form of a layer is fastest depends on it.
   * @default 1
   */
  batch: optional(whole(1), 1),
  /**
   * The threads that a session computes with.
   * @default the threads of jobs
   */
  threads: optional(whole(1, 1024)),
  /**
   * How many calls run at once, each with `threads` threads and memory of its own for what it computes; the weights are
   * there once. Others wait for their turn. As many as there are cores, with one thread each, answer the most calls.
   * @default 1
   */
  concurrency: optional(whole(1, 1024), 1),
  /**
   * The forms to choose from, for each layer with weights: `'dense'` and `'csr'` are libtorch's, `'packed'` is a
   * dense convolution whose weights were laid out for oneDNN once, `'sparse'` is our own loop over kept weights. `'shared'` is
   * one that reads them straight from a codebook, three bytes each: for `batch` 1, in
   * fully connected layers of at most 255 different weights, as `quantize()` makes them. These run on the CPU; on a GPU,
   * `'semi-structured'` is a fully connected layer of which at most two of every four weights are kept, as
   * `criteria.magnitude().nm(2, 4)` does, on sparse tensor cores (compute capability 8.0 and newer; `autocast` of 16 bits;
   * both sizes and `batch` multiples of 16). A layer that has none of them is dense.
   * @default all of them
   */
  forms: optional(list(words(...LAYER_FORMS), 'an array of forms'), []),
  /**
   * For samples of bytes (`uint8`), the value to subtract from each channel, on the scale 0..1.
   * @default samples are floats, as the network takes them
   */
  mean: optional(ofChannels),
  /**
   * For samples of bytes, the value to divide each channel by, on the scale 0..1.
   * @default 1, where `mean` is given
   */
  std: optional(ofChannels),
  ...abortOptions,
}

export interface CompileOptions extends OptionsOf<typeof compileOptions> {}
