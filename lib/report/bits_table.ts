import { deepCompression } from '../runs/deep_compression.js'
import { CODED_FILE } from '../runs/files.js'
import type { RunRecord } from '../runs/record.js'
import { formatCount } from './format.js'
import type { TableData } from './tables.js'

/**
 * The bits of a kept weight's value and position by layer, as they are and as an ideal code leaves them, laid out like the
 * tables of Deep Compression and beside them; undefined if no weights share values. The last row is the file itself.
 */
export function bitsTable(
  record: Pick<RunRecord, 'layers' | 'reference' | 'quantized' | 'coded' | 'paper'>,
): TableData | undefined {
  const { quantized, coded, reference } = record
  if (quantized === undefined) return undefined
  const paper = deepCompression(record.paper)
  const dense = new Map(record.layers.map(({ name, weights }) => [name, 4 * weights]))
  const beside = (cells: readonly string[]) => (paper ? ['│', ...cells] : [])
  const none = ['–', '–', '–']
  const rows = quantized.layers.map((layer) => {
    const { name, values, bits, entropy, gapBits, gapEntropy, bytes } = layer
    const theirs = paper?.layers.get(name)
    return [
      name,
      ...['│', values === undefined ? 'own' : String(values), pair(bits, entropy), pair(gapBits, gapEntropy)],
      ...[formatCount(bytes), share(bytes, dense.get(name))],
      ...beside(
        theirs
          ? [
              pair(theirs.bits, theirs.codedBits),
              pair(theirs.gapBits, theirs.codedGapBits),
              sizes(theirs.size, theirs.codedSize),
            ]
          : none,
      ),
    ]
  })
  const whole = 4 * reference.parameters
  const total = (name: string, bytes: number, cells: readonly string[]) => [
    ...[name, '│', '', '', '', formatCount(bytes), share(bytes, whole)],
    ...beside(cells),
  ]
  const columns = ['bits', 'gap bits']
  return {
    columns: ['layer', '│', 'values', ...columns, 'bytes', 'of dense', ...beside([...columns, 'of dense'])],
    groups: ['', paper ? 'here' : '', 'paper'],
    rows: [
      ...rows,
      total('total', quantized.bytes, paper ? ['', '', sizes(paper.size, paper.codedSize)] : []),
      ...(coded ? [total(CODED_FILE, coded.bytes, ['', '', ''])] : []),
    ],
  }
}

function pair(bits: number, coded: number): string {
  return `${bits} → ${coded.toFixed(1)}`
}

function sizes(size: number, coded: number): string {
  return `${size} → ${coded}%`
}

function share(bytes: number, dense: number | undefined): string {
  return dense ? `${((100 * bytes) / dense).toFixed(2)}%` : '–'
}
