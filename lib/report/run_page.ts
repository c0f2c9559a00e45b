import type { RunRecord } from '../runs/record.js'
import { bitsTable } from './bits_table.js'
import type { NetworkFile } from './file_sizes.js'
import { formatCount, formatPercent, formatRatio } from './format.js'
import type { CaptionedTable, Highlight } from './page.js'
import { layerTable, summaryTable } from './tables.js'

/** What a page shows first of a run. */
export function runHighlights(record: RunRecord, files: readonly NetworkFile[]): Highlight[] {
  const { reference, pruned, quantized, coded } = record
  const states = ['dense', 'pruned', ...(quantized ? ['quantized'] : coded ? ['coded'] : [])]
  const errors = [reference, pruned, quantized ?? coded].flatMap((state) =>
    state ? formatPercent(state.top1Error) : [],
  )
  return [
    compression(record, files),
    {
      name: 'parameters, dense → pruned',
      value: `${formatCount(reference.parameters)} → ${formatCount(pruned.parameters)}`,
    },
    { name: `top-1 error on the test set, ${states.join(' → ')}`, value: errors.join(' → ') },
  ]
}

/** The ways to count how much smaller the network is, which differ. */
function compression({ pruned, reference, layers }: RunRecord, files: readonly NetworkFile[]): Highlight {
  const sum = (of: (layer: RunRecord['layers'][number]) => number) =>
    layers.reduce((total, layer) => total + of(layer), 0)
  const [weights, kept] = [sum((layer) => layer.weights), sum((layer) => layer.kept)]
  const stored = smallest(files)
  const counted = [
    ['with biases', pruned.compression],
    ['weights alone', weights / kept],
    ...(stored ? [[`as stored, in ${stored.name}`, (4 * reference.parameters) / stored.bytes] as const] : []),
  ] as const
  return {
    name: `times smaller: ${counted.map(([name]) => name).join(' / ')}`,
    value: counted.map(([, ratio]) => formatRatio(ratio)).join(' / '),
  }
}

/** The smallest form of the result: a file, or what gzip leaves of it. */
function smallest(
  files: readonly NetworkFile[],
): { readonly name: string; readonly bytes: number } | undefined {
  const forms = files
    .filter(({ state }) => state !== 'dense')
    .flatMap(({ file, bytes, gzipBytes }) => [
      { name: file, bytes },
      ...(gzipBytes === undefined ? [] : [{ name: `${file} under gzip`, bytes: gzipBytes }]),
    ])
  // What gzip adds to a coded file is no form of its own.
  return forms.toSorted((a, b) => a.bytes - b.bytes)[0]
}

/** The tables of a run. */
export function runTables(record: RunRecord): CaptionedTable[] {
  const { paper } = record
  const bits = bitsTable(record)
  return [
    {
      caption: paper ? "The paper's results next to this run's" : 'Results',
      table: summaryTable(record, paper),
      totals: 0,
    },
    {
      caption: 'What remains of each layer',
      table: layerTable(record, paper),
      totals: 1,
      note:
        'act%: non-zero outputs. kept%: weights kept. FLOP%: operations that remain if those with zero weights and ' +
        'zero inputs are skipped; a multiply-add counts as 2.',
    },
    ...(bits
      ? [
          {
            caption: paper ? 'Bits by layer, next to those of Deep Compression' : 'Bits by layer',
            table: bits,
            totals: record.coded ? 2 : 1,
            note:
              "bits: those of a kept weight's value. gap bits: those of its distance from the one before it. Both at a " +
              'fixed length → by their entropy, or Huffman coded in the paper. bytes: by that entropy, biases too in the ' +
              'total, but the real size of a file. of dense: of 4 bytes for each weight.',
          },
        ]
      : []),
  ]
}
