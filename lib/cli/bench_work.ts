import { basename } from 'node:path'
import { availableCores } from '../base/cores.js'
import { computeInJobs } from '../binding/threads.js'
import { versions } from '../binding/versions.js'
import { placeOf } from '../recipes/origin.js'
import { benchGaps, benchSetting, engineTable, formTable } from '../report/bench_page.js'
import { writeReport } from '../report/report.js'
import { type EngineName, writeBench } from '../runs/bench_record.js'
import { OwnFolder } from '../runs/own_folder.js'
import { type Latency, measureLatency } from '../studies/latency.js'
import { commandWith } from './interrupt.js'
import { type OpenOptions, openNetwork } from './network_file.js'
import { print, printed, printJson, render } from './output.js'
import { shown } from './work.js'

export interface BenchOptions extends OpenOptions {
  readonly batch: number
  readonly threads?: number
  readonly seconds: number
  readonly out?: string
  readonly json?: boolean
}

/** Measures how fast a file's network runs in each engine, prints it, and keeps it in a folder if one is given. */
export async function bench(file: string, options: BenchOptions, signal: AbortSignal): Promise<void> {
  const { batch, seconds, out, json, threads = availableCores() } = options
  computeInJobs(threads)
  using network = await openNetwork(file, options)
  await using place = out === undefined ? undefined : await OwnFolder.open(out)
  const onEngine = (name: EngineName) => {
    if (!json && process.stdout.isTTY) print(`Preparing ${name}…`)
  }
  const latency = await measureLatency(network, { batch, threads, seconds, resident: true, signal, onEngine })
  if (!json) print(latencyText(latency))
  const kept = place && { folder: place.folder, report: await keep(place.folder, file, latency) }
  if (json) printJson({ kind: 'bench', file, ...latency, ...kept })
  else if (kept) print(`\nThe files are in ${shown(kept.folder)}, the report in ${shown(kept.report)}`)
  if (!kept) await printed()
}

/** Writes the record and the report, which shows a run too where the folder holds one. */
async function keep(folder: string, file: string, latency: Latency): Promise<string> {
  const device = 'cpu'
  const made = {
    ...{ time: new Date().toISOString(), device, threads: latency.threads, versions: versions() },
    ...placeOf(device, commandWith()),
  }
  await writeBench(folder, { schema: 1, file: basename(file), made, ...latency })
  return writeReport(folder)
}

function latencyText(latency: Latency): string {
  const nothing = latency.layers.every(({ form }) => form === 'dense')
  return [
    benchSetting(latency),
    '',
    render(engineTable(latency)),
    '',
    render(formTable(latency)),
    ...(nothing ? ['', 'No layer is faster in another form at these densities: all of them run dense.'] : []),
    ...benchGaps(latency).map((gap) => `\n${gap}`),
  ].join('\n')
}
