import type { BenchRecord } from '../runs/bench_record.js'
import { formatCount, formatMilliseconds, formatPercent, formatRatio } from './format.js'
import type { CaptionedTable, Highlight } from './page.js'
import { formatBytes } from './quantities.js'
import type { TableData } from './tables.js'

/** The engines, for a terminal or a page. */
export function engineTable({ engines }: Pick<BenchRecord, 'engines'>): TableData {
  const dense = engines.dense!.p50
  return {
    columns: ['engine', 'p50', 'p99', 'samples', 'speed', 'bytes', 'resident'],
    rows: Object.entries(engines).map(([name, { p50, p99, throughput, resident, bytes }]) => [
      name,
      formatMilliseconds(p50),
      formatMilliseconds(p99),
      `${formatCount(Math.round(throughput))}/s`,
      formatRatio(dense / p50),
      formatBytes(bytes),
      resident === undefined ? '–' : formatBytes(resident),
    ]),
  }
}

/** The layers with weights, in the forms that the compiled network gives them. */
export function formTable({ layers }: Pick<BenchRecord, 'layers'>): TableData {
  return {
    columns: ['layer', 'kept', 'form', 'dense', 'chosen', 'speed', 'break-even'],
    rows: layers.map(({ name, density, form, dense, chosen, breakEven }) => [
      name,
      formatPercent(100 * density, 1),
      form,
      formatMilliseconds(dense),
      formatMilliseconds(chosen),
      formatRatio(dense / chosen),
      breakEven === undefined ? '–' : formatPercent(100 * breakEven, 0),
    ]),
  }
}

/** How much ran together, and where. */
export function benchSetting({
  machine,
  threads,
  batch,
}: Pick<BenchRecord, 'machine' | 'threads' | 'batch'>): string {
  return `batch ${batch}, ${threads} thread${threads === 1 ? '' : 's'}, ${machine}`
}

/** Why figures are missing, a line each. */
export function benchGaps({ missing, missingResident }: Pick<BenchRecord, 'missing' | 'missingResident'>) {
  return [
    ...Object.entries(missing).map(([name, why]) => `${name} is not measured: ${why}`),
    ...Object.entries(missingResident).map(
      ([name, why]) => `the resident memory of ${name} is not measured: ${why}`,
    ),
  ]
}

/** What a page shows first of how fast a network runs. */
export function benchHighlights({ engines, batch }: BenchRecord): Highlight[] {
  const { dense, compiled, onnxruntime } = engines
  if (dense === undefined || compiled === undefined) return []
  const rivals = [
    ['dense', dense],
    ['onnxruntime', onnxruntime],
  ] as const
  const known = rivals.flatMap(([name, rival]) => (rival ? [{ name, p50: rival.p50 }] : []))
  return [
    {
      name: `median time of ${batch === 1 ? 'one sample' : `${batch} samples`}, dense → compiled`,
      value: `${formatMilliseconds(dense.p50)} → ${formatMilliseconds(compiled.p50)}`,
    },
    {
      name: `speed of the compiled network over ${known.map(({ name }) => name).join(' / ')}`,
      value: known.map(({ p50 }) => formatRatio(p50 / compiled.p50)).join(' / '),
    },
  ]
}

/** The tables of how fast a network runs. */
export function benchTables(record: BenchRecord): CaptionedTable[] {
  const gaps = benchGaps(record).map((gap) => ` ${gap[0]!.toUpperCase()}${gap.slice(1)}.`)
  return [
    {
      caption: `Inference of ${record.file} by engine`,
      table: engineTable(record),
      totals: 0,
      note:
        `${benchSetting(record)}. p50, p99: the time that 50 and 99 of 100 batches stay under. speed: the p50 of dense over ` +
        'that of the engine. bytes: those of the weights. resident: by how much the memory of a process of its own grew ' +
        "that loaded the network and ran it, over the same process with no more than the engine's library." +
        gaps.join(''),
    },
    {
      caption: `Forms of the layers of ${record.file}, compiled`,
      table: formTable(record),
      totals: 0,
      note:
        'dense, chosen: the median time of a batch in this layer alone, dense and in its form. break-even: the share of ' +
        'weights below which our loops are faster here than the dense form, about.',
    },
  ]
}
