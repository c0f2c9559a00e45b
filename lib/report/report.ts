import { join, resolve } from 'node:path'
import { writeTextAtomically } from '../base/atomic.js'
import { TorchPruneError } from '../base/errors.js'
import { exists } from '../base/files.js'
import { type BenchRecord, readBench } from '../runs/bench_record.js'
import { EVENTS_FILE, RECORD_FILE, REPORT_FILE } from '../runs/files.js'
import { type RunRecord, readRunRecord } from '../runs/record.js'
import { readSensitivity, type SensitivityRecord } from '../runs/sensitivity_record.js'
import { readThresholds } from '../runs/thresholds_record.js'
import { readTradeoff, type TradeoffRecord } from '../runs/tradeoff_record.js'
import { benchHighlights, benchTables } from './bench_page.js'
import { writeFigures } from './figure_files.js'
import { errorFigure } from './figures/error.js'
import { filesFigure } from './figures/files.js'
import { latencyFigure } from './figures/latency.js'
import { sensitivityFigures } from './figures/sensitivity.js'
import { tradeoffFigure } from './figures/tradeoff.js'
import { trainingFigures } from './figures/training.js'
import { networkFiles } from './file_sizes.js'
import { type RunLog, readRunLog } from './log.js'
import { type PageContent, renderPage } from './page.js'
import { runProvenance, studyProvenance } from './provenance.js'
import { runFigures } from './run_figures.js'
import { runHighlights, runTables } from './run_page.js'
import { sensitivityHighlights, thresholdsTable, tradeoffHighlights } from './study_page.js'

/**
 * Writes `report.html` into the folder of a finished run, of a sensitivity or trade-off study, or of what was measured of a
 * network's speed. It is one file that needs no network, and contains the run's tables next to the paper's, and its charts. The charts are also written into
 * `figures/`, as SVG and PNG, with their numbers as CSV. The files that the report is made from are only read.
 *
 * @returns the path of the report
 * @throws TorchPruneError `ERR_FILE` when the folder contains none of these, or a damaged one; `ERR_OUTPUT` when the
 * report cannot be written.
 */
export async function writeReport(dir: string): Promise<string> {
  const folder = resolve(dir)
  const [sensitivity, tradeoff, bench] = await Promise.all([
    readSensitivity(folder),
    readTradeoff(folder),
    readBench(folder),
  ])
  // Without any of these, the folder must contain a run; if it does not, reading its record reports that.
  const hasRun = (sensitivity ?? tradeoff ?? bench) === undefined || (await exists(join(folder, RECORD_FILE)))
  const parts = [
    ...(hasRun ? [await runPart(folder, await readRunRecord(folder))] : []),
    ...(sensitivity ? [await sensitivityPart(folder, sensitivity)] : []),
    ...(tradeoff ? [tradeoffPart(tradeoff)] : []),
    ...(bench ? [benchPart(bench)] : []),
  ]
  const { title, provenance } = parts[0]!
  const figures = parts.flatMap((part) => part.figures)
  const page = renderPage({
    title,
    provenance,
    highlights: parts.flatMap((part) => part.highlights),
    tables: parts.flatMap((part) => part.tables),
    figures,
    missing: parts.flatMap((part) => part.missing),
  })
  const path = join(folder, REPORT_FILE)
  await writeTextAtomically(path, page)
  await writeFigures(folder, figures)
  return path
}

async function runPart(folder: string, record: RunRecord): Promise<PageContent> {
  const { log, damaged } = await readLogOrName(folder)
  const files = await networkFiles(folder, record.quantized !== undefined)
  const run = await runFigures(folder, record)
  const figures = [
    errorFigure(record, log?.start?.data?.test),
    ...trainingFigures(log?.stages ?? []),
    filesFigure(files, record.reference.parameters),
    ...run.figures,
  ].filter((figure) => figure !== undefined)
  return {
    title: record.recipe,
    provenance: runProvenance(record, log?.start),
    highlights: runHighlights(record, files),
    tables: runTables(record),
    figures,
    missing: [...run.missing, ...damaged],
  }
}

/** A damaged log costs a report its training curve, and no more. */
async function readLogOrName(
  folder: string,
): Promise<{ log?: RunLog | undefined; damaged: readonly string[] }> {
  try {
    return { log: await readRunLog(folder), damaged: [] }
  } catch (error) {
    if (error instanceof TorchPruneError && error.code === 'ERR_FILE') return { damaged: [EVENTS_FILE] }
    throw error
  }
}

async function sensitivityPart(folder: string, record: SensitivityRecord): Promise<PageContent> {
  const thresholds = await readThresholds(folder)
  return {
    title: `Sensitivity of ${record.model}`,
    provenance: studyProvenance(record.made),
    highlights: sensitivityHighlights(record, thresholds),
    tables: thresholds ? [thresholdsTable(thresholds)] : [],
    figures: sensitivityFigures(record),
    missing: [],
  }
}

function tradeoffPart(record: TradeoffRecord): PageContent {
  const figure = tradeoffFigure(record)
  return {
    title: `Trade-off of ${record.model}`,
    provenance: studyProvenance(record.made),
    highlights: tradeoffHighlights(record),
    tables: [],
    figures: figure ? [figure] : [],
    missing: [],
  }
}

function benchPart(record: BenchRecord): PageContent {
  return {
    title: `Speed of ${record.file}`,
    provenance: studyProvenance(record.made),
    highlights: benchHighlights(record),
    tables: benchTables(record),
    figures: [latencyFigure(record)],
    missing: [],
  }
}
