import { join } from 'node:path'
import { z } from 'zod'
import { writeTextAtomically } from '../base/atomic.js'
import { sha256 } from '../base/digest.js'
import { quoteForShell } from '../base/text.js'
import { graphToJson } from '../nn/stored_graph.js'
import { loadWeights } from '../nn/weights_file.js'
import { madeBy } from '../recipes/origin.js'
import type { Recipe } from '../recipes/recipe.js'
import { findRecipe } from '../recipes/registry.js'
import { openSession, type Session } from '../recipes/session.js'
import { formatCount, formatPercent } from '../report/format.js'
import { writeReport } from '../report/report.js'
import { OwnFolder } from '../runs/own_folder.js'
import { type SensitivityRecord, writeSensitivity } from '../runs/sensitivity_record.js'
import { writeThresholds } from '../runs/thresholds_record.js'
import { StudyParts } from '../studies/parts.js'
import { type Sensitivity, sensitivity } from '../studies/sensitivity.js'
import { type Budget, checkBudget, type Solution, solveThresholds } from '../studies/solve.js'
import { withCompute } from './compute.js'
import { Interrupted } from './failure.js'
import { commandWith } from './interrupt.js'
import type { MaskOption } from './options.js'
import { printJson } from './output.js'
import { type Reporter, reporterFor } from './progress.js'
import { renderTable } from './table.js'
import { announce, shown, takenOver } from './work.js'
import type { WorkOptions } from './work_options.js'

export interface SensitivityOptions extends WorkOptions, MaskOption {
  readonly weights: string
  readonly densities?: number[]
  readonly errorIncrease?: number
  readonly budgetWeights?: number
  readonly budgetBytes?: number
  readonly leastDensity: number
}

/** The file for the points that are measured, until all of them are. */
const PARTS_FILE = 'sensitivity-parts.json'
const partSchema = z.object({ layer: z.string(), density: z.number(), error: z.number() })
type Part = z.infer<typeof partSchema>
// The points of a small network take almost no time.
const SAVE_EVERY_MS = 2000

/** Writes figure 6 for a trained network, as a table, JSON, CSV and a chart, with thresholds if a budget is given. */
export async function studySensitivity(
  model: string,
  options: SensitivityOptions,
  signal: AbortSignal,
): Promise<void> {
  const recipe = withCompute(await findRecipe(model, 'model'), options)
  const { folder, report, record, thresholds } = await measureSensitivity(recipe, options, signal)
  if (options.json) printJson({ kind: 'sensitivity', folder, report, sensitivity: record, thresholds })
}

export interface MeasuredSensitivity {
  readonly folder: string
  readonly report: string
  readonly record: SensitivityRecord
  /** The solution for the budget. */
  readonly thresholds?: Solution & { readonly budget: Budget }
}

/**
 * Measures the points that the study's folder does not have yet. `goOn` is the command that continues the study.
 */
export async function measureSensitivity(
  recipe: Recipe,
  options: SensitivityOptions,
  signal: AbortSignal,
  goOn: () => string = commandWith,
): Promise<MeasuredSensitivity> {
  const named = { ...recipe, name: `sensitivity-${recipe.name}` }
  const session = await openSession(named, { ...options, command: goOn(), signal })
  const { network, folder } = session
  await loadWeights(network, options.weights, { mask: options.mask })
  const { densities, leastDensity } = options
  const budget = budgetOf(options)
  if (budget) checkBudget(network, budget, { leastDensity, ...(densities && { densities }) })
  await using place = await OwnFolder.open(folder)
  const parts = await StudyParts.open(join(folder, PARTS_FILE), partSchema, await planOf(session, options))
  using reporter = reporterFor(options)
  announce(reporter, named, options, folder)
  if (place.before) reporter.line(`${takenOver(place.before)}.`)
  const found = await measure(session, densities, parts, reporter).catch((error: unknown) => {
    if (!signal.aborted || error !== signal.reason || parts.done.length === 0) throw error
    throw new Interrupted(`interrupted: ${parts.done.length} points are saved; go on with: ${goOn()}`)
  })
  const record: SensitivityRecord = {
    schema: 1,
    model: recipe.name,
    made: madeBy(session),
    validationErrorDense: found.denseError,
    layers: found.layers.map(({ layer, kind, points }) => ({
      name: layer,
      kind,
      points: points.map(({ density, error }) => ({ density, validationError: error })),
    })),
  }
  await writeSensitivity(folder, record)
  await writeTextAtomically(join(folder, 'sensitivity.csv'), toCsv(found))
  if (!options.json) reporter.line(`\n${curveTable(found)}`)
  const solution = budget && (await solveThresholds(network, found, budget, { leastDensity, signal }))
  if (solution) {
    await writeThresholds(folder, { schema: 1, budget, ...solution })
    if (!options.json) reporter.line(`\n${solutionText(solution)}`)
  }
  await parts.remove()
  const report = await writeReport(folder)
  if (!options.json) reporter.line(`\nThe files are in ${shown(folder)}, the report in ${shown(report)}`)
  return { folder, report, record, ...(solution && { thresholds: { budget, ...solution } }) }
}

/** Everything that determines a point, except its layer and density. */
async function planOf(
  { recipe, network, data, autocast }: Session,
  { weights, mask }: SensitivityOptions,
): Promise<string> {
  return JSON.stringify({
    model: recipe.name,
    graph: graphToJson(network),
    weights: await sha256(weights),
    mask,
    samples: data.validation.length,
    autocast,
  })
}

/** Measures the points that `parts` does not have yet, and saves them there. */
async function measure(
  { network, data, autocast, signal }: Session,
  densities: readonly number[] | undefined,
  parts: StudyParts<Part>,
  reporter: Reporter,
): Promise<Sensitivity> {
  const before = parts.done.length
  if (before > 0) reporter.line(`Going on after ${before} points that are saved.`)
  const known = new Map(parts.done.map(({ layer, density, error }) => [`${layer} ${density}`, error]))
  const job = sensitivity(network, data.validation, {
    autocast,
    signal,
    ...(densities && { densities }),
    known: (layer, density) => known.get(`${layer} ${density}`),
  })
  let saved = performance.now()
  let started = false
  try {
    for await (const { layer, density, error, done, total } of job) {
      if (known.has(`${layer} ${density}`)) continue
      if (!started) reporter.start('sensitivity', total, 'points', done - 1)
      started = true
      reporter.update(done, { layer, density: String(density), error: formatPercent(error) })
      parts.done.push({ layer, density, error })
      if (performance.now() - saved < SAVE_EVERY_MS) continue
      await parts.save()
      saved = performance.now()
    }
  } finally {
    if (parts.done.length > before) await parts.save()
  }
  reporter.stop()
  return await job
}

function budgetOf({ errorIncrease, budgetWeights, budgetBytes }: SensitivityOptions): Budget | undefined {
  if (errorIncrease !== undefined) return { errorIncrease }
  if (budgetWeights !== undefined) return { weights: budgetWeights }
  if (budgetBytes !== undefined) return { bytes: budgetBytes }
  return undefined
}

function toCsv({ denseError, layers }: Sensitivity): string {
  const rows = layers.flatMap(({ layer, points }) => [
    `${layer},1,${denseError}`,
    ...points.map(({ density, error }) => `${layer},${density},${error}`),
  ])
  return `layer,density,validation_error\n${rows.join('\n')}\n`
}

/** A table with a column per layer if they fit a terminal, else with a row per layer and a few densities. */
function curveTable({ denseError, layers }: Sensitivity): string {
  const densities = layers[0]?.points.map(({ density }) => density) ?? []
  const kept = (density: number) => `${Number((100 * density).toPrecision(3))}%`
  const columns = ['kept', ...layers.map(({ layer }) => layer)]
  const rows = densities.map((density, i) => [
    kept(density),
    ...layers.map(({ points }) => formatPercent(points[i]!.error)),
  ])
  const table = renderTable(columns, [['100%', ...layers.map(() => formatPercent(denseError))], ...rows])
  if (table.split('\n').every((line) => line.length <= WIDTH)) return table
  const some = Array.from({ length: Math.min(SOME, densities.length) }, (_, i) =>
    Math.round((i * (densities.length - 1)) / Math.max(1, Math.min(SOME, densities.length) - 1)),
  )
  return renderTable(
    ['layer', ...some.map((i) => `at ${kept(densities[i]!)}`)],
    layers.map(({ layer, points }) => [layer, ...some.map((i) => formatPercent(points[i]!.error))]),
  )
}

const WIDTH = 79
const SOME = 5

function solutionText({ densities, quality, weights, bytes, errorIncrease }: Solution): string {
  const rows = Object.keys(densities).map((layer) => [
    layer,
    formatPercent(100 * densities[layer]!, 0),
    quality[layer]!.toFixed(3),
  ])
  const names = Object.entries(densities).map(([layer, density]) => `${layer}=${density}`)
  return [
    renderTable(['layer', 'kept', 'quality'], rows),
    '',
    `${formatCount(weights)} weights, ${formatCount(bytes)} bytes, ${errorIncrease.toFixed(2)} points of error before retraining`,
    `as an option of prune: --density ${quoteForShell(names.join(','))}`,
  ].join('\n')
}
