import { number } from '../../base/kind.js'
import { type OptionsOf, optional, readOptions } from '../../base/option.js'
import { loadAddon } from '../../binding/addon.js'
import { runJob } from '../../binding/native_job.js'
import { Tensor } from '../../tensor/tensor.js'
import { type Scored, scored } from '../select/index.js'
import type { ScoreKind } from './score.js'

export const magnitudePerBitOptions = {
  /**
   * The power of the bits that a magnitude is divided by: the higher, the more weights gather in the rows and columns
   * that keep many. 0 ranks by magnitude alone; 0.5 weighs a quadratic loss against bits.
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
    const scores = await runJob(() => loadAddon().magnitudesPerBit(network.handle, names, price), signal)
    return scores.map((handle) => Tensor.wrap(handle))
  },
}

/**
 * Ranks weights by their magnitude for the bits that they take in a coded file, `|w| / bits^price`, so that pruning moves
 * towards what codes well: weights that stand alone in their row or column go first, then rows and columns as a whole. A
 * kept weight takes 2 bits for its value, and for its place the logarithm of the odds that it is kept, by how many others
 * of its row and of its column are: 1 bit at the least. It matters in rounds, because bits are those of the weights that
 * were kept by the round before. (Weighing loss against rate is known from video coding, and from networks since
 * Oktay et al. 2020; this is a greedy way to do it.)
 *
 * @example criteria.magnitudePerBit().global(0.02, { normalize: 'survivors' })
 */
export function magnitudePerBit(options: MagnitudePerBitOptions = {}): Scored<MagnitudePerBitScore> {
  const read = readOptions('criteria.magnitudePerBit', magnitudePerBitScore.options, options)
  return scored({ kind: 'magnitudePerBit', ...read } as MagnitudePerBitScore)
}
