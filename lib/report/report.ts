import { join, resolve } from 'node:path'
import { writeTextAtomically } from '../base/atomic.js'
import { exists } from '../base/files.js'
import { RECORD_FILE, REPORT_FILE } from '../runs/files.js'
import { readRunRecord } from '../runs/record.js'
import { readSensitivity } from '../runs/sensitivity_record.js'
import { readTradeoff } from '../runs/tradeoff_record.js'
import { writeFigures } from './figure_files.js'
import { errorFigure } from './figures/error.js'
import { sensitivityFigures } from './figures/sensitivity.js'
import { tradeoffFigure } from './figures/tradeoff.js'
import { renderPage } from './page.js'
import { runFigures } from './run_figures.js'

/**
 * Writes `report.html` into the folder of a finished run, or of a sensitivity or trade-off study. It is one file that
 * needs no network, and contains the run's tables next to the paper's, and its charts. The charts are also written as
 * SVG and PNG files into `figures/`. The files that the report is made from are only read.
 *
 * @returns the path of the report
 * @throws TorchPruneError `ERR_FILE` when the folder contains none of these, or a damaged one; `ERR_OUTPUT` when the
 * report cannot be written.
 */
export async function writeReport(dir: string): Promise<string> {
  const folder = resolve(dir)
  const [sensitivity, tradeoff] = await Promise.all([readSensitivity(folder), readTradeoff(folder)])
  const study = sensitivity ?? tradeoff
  // Without a study, the folder must contain a run; if it does not, reading its record reports that.
  const record =
    study === undefined || (await exists(join(folder, RECORD_FILE))) ? await readRunRecord(folder) : undefined
  const run = record && (await runFigures(folder, record))
  const figures = [
    record && errorFigure(record),
    ...(sensitivity ? sensitivityFigures(sensitivity) : []),
    tradeoff && tradeoffFigure(tradeoff),
    ...(run?.figures ?? []),
  ].filter((figure) => figure !== undefined)
  const page = renderPage({
    title: record?.recipe ?? study?.model ?? '',
    record,
    paper: record?.paper,
    figures,
    missing: run?.missing ?? [],
  })
  const path = join(folder, REPORT_FILE)
  await writeTextAtomically(path, page)
  await writeFigures(folder, figures)
  return path
}
