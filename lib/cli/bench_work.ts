import { availableCores } from '../base/cores.js'
import { computeInJobs } from '../binding/threads.js'
import { formatCount, formatPercent, formatRatio } from '../report/format.js'
import { type EngineName, type Latency, measureLatency } from '../studies/latency.js'
import { type OpenOptions, openNetwork } from './network_file.js'
import { print, printJson } from './output.js'
import { renderTable } from './table.js'

export interface BenchOptions extends OpenOptions {
  readonly batch: number
  readonly threads?: number
  readonly seconds: number
  readonly json?: boolean
}

/** Measures how fast a file's network runs in each engine, and prints it. */
export async function bench(file: string, options: BenchOptions, signal: AbortSignal): Promise<void> {
  const { batch, seconds, threads = availableCores() } = options
  computeInJobs(threads)
  using network = await openNetwork(file, options)
  const onEngine = (name: EngineName) => {
    if (!options.json && process.stdout.isTTY) print(`Preparing ${name}…`)
  }
  const latency = await measureLatency(network, { batch, threads, seconds, signal, onEngine })
  if (options.json) printJson({ kind: 'bench', file, ...latency })
  else print(latencyText(latency))
}

function latencyText({ machine, threads, batch, engines, layers, missing }: Latency): string {
  const dense = engines.dense!.p50
  const rows = Object.entries(engines).map(([name, { p50, p99, throughput, resident, bytes }]) => [
    name,
    milliseconds(p50),
    milliseconds(p99),
    `${formatCount(Math.round(throughput))}/s`,
    formatRatio(dense / p50),
    formatCount(bytes),
    formatCount(resident),
  ])
  const titles = ['engine', 'p50', 'p99', 'samples', 'speed', 'bytes', 'resident']
  const layerRows = layers.map(({ name, density, form, dense, chosen, breakEven }) => [
    name,
    formatPercent(100 * density, 1),
    form,
    milliseconds(dense),
    milliseconds(chosen),
    formatRatio(dense / chosen),
    breakEven === undefined ? '–' : formatPercent(100 * breakEven, 0),
  ])
  const layerTitles = ['layer', 'kept', 'form', 'dense', 'chosen', 'speed', 'break-even']
  const nothing = layers.every(({ form }) => form === 'dense')
  return [
    `batch ${batch}, ${threads} thread${threads === 1 ? '' : 's'}, ${machine}`,
    '',
    renderTable(titles, rows),
    '',
    renderTable(layerTitles, layerRows),
    ...(nothing ? ['', 'No layer is faster in another form at these densities: all of them run dense.'] : []),
    ...Object.entries(missing).map(([name, why]) => `\n${name} is not measured: ${why}`),
  ].join('\n')
}

function milliseconds(value: number): string {
  return value < 0.1 ? `${(1000 * value).toFixed(1)}µs` : `${value.toFixed(value < 10 ? 2 : 1)}ms`
}
