import { number } from '../../base/kind.js'
import { type OptionsOf, optional, readOptions } from '../../base/option.js'
import { loadAddon } from '../../binding/addon.js'
import { runJob } from '../../binding/native_job.js'
import { tensor } from '../../tensor/from.js'
import { invokeLater } from '../../tensor/invoke.js'
import { Tensor } from '../../tensor/tensor.js'
import { type Scored, scored } from '../select/index.js'
import { uselessPlaces } from './dead.js'
import type { ScoreKind } from './score.js'

export const magnitudePerBitOptions = {
  /**
   * The power of the bits that a magnitude is divided by: the higher, the more weights gather in the rows and columns
   * that keep many. 0 ranks by magnitude; 0.5 weighs bits against a loss that is quadratic in a weight.
   * @default 1
   */
  price: optional(number({ least: 0 }), 1),
}

export interface MagnitudePerBitOptions extends OptionsOf<typeof magnitudePerBitOptions> {}

/** Ranks weights by their magnitude for the bits that they take in a coded file, `|w| / bits^price`. */
export interface MagnitudePerBitScore {
  readonly kind: 'magnitudePerBit'
  readonly price: number
}

export const magnitudePerBitScore: ScoreKind<MagnitudePerBitScore> = {
  options: magnitudePerBitOptions,
  async of({ price }, { network, layers, signal }) {
    const names = layers.map((name) => `${name}.weight`)
    const useless = await uselessPlaces({ network, signal })
    const handles = await runJob(() => loadAddon().magnitudesPerBit(network.handle, names, price), signal)
    const scores = new Map(handles.map((handle, i) => [layers[i]!, Tensor.wrap(handle)]))
    try {
      for (const { layer, dim, places } of useless) {
        const all = scores.get(layer)
        if (all) scores.set(layer, await withZeros(all, dim, places))
      }
      return [...scores.values()]
    } catch (error) {
      for (const tensor of scores.values()) tensor.dispose()
      throw error
    }
  },
}

async function withZeros(all: Tensor, dim: 0 | 1, places: readonly number[]): Promise<Tensor> {
  using index = tensor(places, { dtype: 'int64' }).to(all.device)
  const filled = Tensor.wrap(await invokeLater('index_fill.int_Scalar', all, dim, index, 0))
  all.dispose()
  return filled
}

/**
 * Ranks weights by their magnitude for the bits that they take in a coded file, `|w| / bits^price`, so that pruning moves
 * towards what codes well: weights that stand alone in their row or column go before others of their size, then rows and
 * columns as a whole. What leads into a neuron that nothing reads, or out of one into which nothing leads, scores 0.
 *
 * A kept weight takes 2 bits for its value, and for its place the logarithm of the odds against it, by how many others of
 * its row and of its column are kept: 1 bit at the least. Bits are divided by their mean in the layer, so that a price
 * moves weights within layers, not from one to another. They are those of the weights that the round before kept: it
 * matters in rounds. (Losses are weighed against bits as in Oktay et al. 2020, here by a greedy choice.)
 *
 * @example criteria.magnitudePerBit().global(0.02, { normalize: 'survivors' })
 */
export function magnitudePerBit(options: MagnitudePerBitOptions = {}): Scored<MagnitudePerBitScore> {
  const read = readOptions('criteria.magnitudePerBit', magnitudePerBitScore.options, options)
  return scored({ kind: 'magnitudePerBit', ...read } as MagnitudePerBitScore)
}
