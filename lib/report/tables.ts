import { deepCompression } from '../runs/deep_compression.js'
import { CODED_FILE } from '../runs/files.js'
import type { PaperTable } from '../runs/paper.js'
import type { CodedRecord, RunRecord } from '../runs/record.js'
import { formatCount, formatPercent, formatRatio } from './format.js'

/** A table of texts, for a terminal or a page. */
export interface TableData {
  /** The titles of the columns; `│` is a separator. */
  readonly columns: readonly string[]
  /** The titles of the groups of columns that separators part, `''` for none; without it, no group has one. */
  readonly groups?: readonly string[]
  /** The cells of each row, as many as there are columns. */
  readonly rows: readonly (readonly string[])[]
}

interface Shares {
  readonly name: string
  readonly weights: number
  readonly flop: number
  readonly activationDensity: number
  readonly density: number
  readonly flopShare: number
}

/** The titles of the columns on one line, for a terminal: a group's title is before that of its first column. */
export function columnTitles({ columns, groups = [] }: TableData): string[] {
  let group = 0
  return columns.map((column, i) => {
    if (column === '│') group++
    const title = i === 0 || columns[i - 1] === '│' ? groups[group] : undefined
    return title ? `${title} ${column}` : column
  })
}

/** What remains of each layer, next to the paper's numbers if there are any, laid out like the paper's tables. */
export function layerTable(record: Pick<RunRecord, 'layers'>, paper?: PaperTable): TableData {
  const theirs = new Map(paper?.layers.map((layer) => [layer.name, layer]))
  const here = ['act%', 'kept%', 'FLOP%']
  const rows = record.layers.map((layer) => [
    layer.name,
    formatCount(layer.weights),
    formatCount(layer.flop),
    ...(paper ? ['│', ...shares(theirs.get(layer.name), 0), '│'] : []),
    ...shares(layer, 1),
  ])
  return {
    columns: ['layer', 'weights', 'FLOP', ...(paper ? ['│', ...here, '│', ...here] : here)],
    ...(paper && { groups: ['', 'paper', 'here'] }),
    rows: [
      ...rows,
      [
        'total',
        formatCount(sum(record.layers, (layer) => layer.weights)),
        formatCount(sum(record.layers, (layer) => layer.flop)),
        ...(paper ? ['│', ...totals(paper.layers, 0), '│'] : []),
        ...totals(record.layers, 1),
      ],
    ],
  }
}

/** Errors and sizes, dense and pruned, next to the paper's if there are any. */
export function summaryTable(
  record: Pick<RunRecord, 'reference' | 'pruned' | 'quantized' | 'coded'>,
  paper?: PaperTable,
): TableData {
  const row = (what: string, value: (source: Pick<PaperTable, 'reference' | 'pruned'>) => string) => [
    what,
    ...(paper ? [value(paper)] : []),
    value(record),
  ]
  const top5 = (what: string, of: 'reference' | 'pruned') =>
    record[of].top5Error === undefined ? [] : [row(what, (source) => percentOrDash(source[of].top5Error))]
  return {
    columns: ['', ...(paper ? ['paper'] : []), 'here'],
    rows: [
      row('top-1 error, dense', ({ reference }) => formatPercent(reference.top1Error)),
      row('top-1 error, pruned', ({ pruned }) => formatPercent(pruned.top1Error)),
      ...top5('top-5 error, dense', 'reference'),
      ...top5('top-5 error, pruned', 'pruned'),
      row('parameters, dense', ({ reference }) => formatCount(reference.parameters)),
      row('parameters, pruned', ({ pruned }) => formatCount(pruned.parameters)),
      row('compression', ({ pruned }) => formatRatio(pruned.compression)),
      ...codedRows(record, paper),
    ],
  }
}

/** What became of it when weights shared values and were coded, next to Deep Compression. */
function codedRows(
  { quantized, coded }: Pick<RunRecord, 'quantized' | 'coded'>,
  paper: PaperTable | undefined,
): string[][] {
  const theirs = deepCompression(paper)
  const row = (name: string, there: string | undefined, here: string) => [
    name,
    ...(paper ? [there ?? '–'] : []),
    here,
  ]
  const size = ({ bytes, ratio }: Pick<CodedRecord, 'bytes' | 'ratio'>) =>
    `${formatCount(bytes)}, ${formatRatio(ratio)}`
  const error = theirs && formatPercent(theirs.top1Error)
  const bytes = theirs && size(theirs)
  return [
    ...(quantized ? [row('top-1 error, quantized', error, formatPercent(quantized.top1Error))] : []),
    ...(coded
      ? [
          row(`top-1 error, ${CODED_FILE}`, error, formatPercent(coded.top1Error)),
          row(`bytes, ${CODED_FILE}`, bytes, size(coded)),
        ]
      : quantized
        ? [row('bytes by entropy', bytes, size(quantized))]
        : []),
  ]
}

/**
 * The kind of layers after whose pruning the error before retraining is measured; empty if all layers are pruned at
 * once.
 */
export function prunedBefore({ phases: [first] = [] }: Pick<RunRecord, 'phases'>): string {
  return first === undefined || first === 'all' ? '' : `${first.toUpperCase()} `
}

/** The course of the rounds. Errors are on the validation part, then on the test set before and after retraining. */
export function roundTable({ rounds, phases }: Pick<RunRecord, 'rounds' | 'phases'>): TableData {
  const top5 = rounds.some(({ top5Error }) => top5Error !== undefined)
  return {
    columns: [
      ...[
        'round',
        'kept',
        'compression',
        'validation error',
        `test error, ${prunedBefore({ phases })}pruned`,
        'retrained',
      ],
      ...(top5 ? ['top-5'] : []),
    ],
    rows: rounds.map((round) => [
      String(round.round),
      formatPercent(100 * round.density, 1),
      formatRatio(round.compression),
      formatPercent(round.validationError),
      formatPercent(round.top1ErrorBefore),
      formatPercent(round.top1Error),
      ...(top5 ? [percentOrDash(round.top5Error)] : []),
    ]),
  }
}

function percentOrDash(error: number | undefined): string {
  return error === undefined ? '–' : formatPercent(error)
}

function shares(layer: Shares | undefined, decimals: number): string[] {
  if (layer === undefined) return ['–', '–', '–']
  return [layer.activationDensity, layer.density, layer.flopShare].map((share) => percent(share, decimals))
}

/** Activations have no total, because layers have different numbers of them, which the tables do not show. */
function totals(layers: readonly Shares[], decimals: number): string[] {
  const weights = sum(layers, (layer) => layer.weights)
  const flop = sum(layers, (layer) => layer.flop)
  return [
    '',
    percent(sum(layers, (layer) => layer.weights * layer.density) / weights, decimals),
    percent(sum(layers, (layer) => layer.flop * layer.flopShare) / flop, decimals),
  ]
}

function percent(share: number, decimals: number): string {
  return formatPercent(100 * share, decimals).replace('%', '')
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0)
}
