import type { LayerSize } from '../quantize/size.js'
import { formatCount } from '../report/format.js'
import { renderTable } from './table.js'

/**
 * What each layer's weight costs to write down: the bits of a value and of the gap to the next kept weight, each as it is
 * and by its entropy, as the tables of Deep Compression have them.
 */
export function sizeTable(layers: readonly LayerSize[]): string {
  const columns = [
    'layer',
    'weights',
    'kept',
    'values',
    'bits',
    'coded',
    'gap bits',
    'coded',
    'by entropy',
    'of dense',
  ]
  const row = (
    name: string,
    middle: readonly (string | number)[],
    weights: number,
    kept: number,
    bytes: number,
  ) => [
    name,
    formatCount(weights),
    formatCount(kept),
    ...middle,
    formatCount(bytes),
    `${((100 * bytes) / (4 * weights)).toFixed(2)}%`,
  ]
  const sum = (of: (layer: LayerSize) => number) => layers.reduce((total, layer) => total + of(layer), 0)
  const rows = layers.map(({ name, weights, kept, values, bits, entropy, gapBits, gapEntropy, bytes }) =>
    row(
      name,
      [values ?? 'own', bits, entropy.toFixed(1), gapBits, gapEntropy.toFixed(1)],
      weights,
      kept,
      bytes,
    ),
  )
  const totals = [sum(({ weights }) => weights), sum(({ kept }) => kept), sum(({ bytes }) => bytes)] as const
  return renderTable(columns, [...rows, row('total', ['', '', '', '', ''], ...totals)])
}
