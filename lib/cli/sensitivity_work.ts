import { join } from 'node:path'
import { makeFolder, writeJsonAtomically, writeTextAtomically } from '../io/atomic.js'
import { loadWeights } from '../io/network.js'
import { type Sensitivity, sensitivity } from '../prune/sensitivity.js'
import { type Budget, checkBudget, type Solution, solveThresholds } from '../prune/solve.js'
import type { Recipe } from '../recipes/recipe.js'
import { findRecipe } from '../recipes/registry.js'
import { openSession } from '../recipes/session.js'
import { formatCount, formatPercent } from '../report/format.js'
import { writeReport } from '../report/report.js'
import { writeSensitivity } from '../report/sensitivity.js'
import { withCompute } from './compute.js'
import { createReporter } from './progress.js'
import type { SensitivityOptions } from './sensitivity.js'
import { renderTable } from './table.js'
import { announce, shown } from './work.js'

/** The thresholds that a study solved, in its folder. */
export const THRESHOLDS_FILE = 'thresholds.json'

/** Figure 6 for a trained network: table, JSON, CSV, chart; thresholds for a budget where one is given. */
export async function studySensitivity(
  model: string,
  options: SensitivityOptions,
  signal: AbortSignal,
): Promise<void> {
  await measureSensitivity(withCompute(await findRecipe(model, 'model'), options), options, signal)
}

/** The study, into its folder; returns what it solved for the budget that it was given. */
export async function measureSensitivity(
  recipe: Recipe,
  options: SensitivityOptions,
  signal: AbortSignal,
): Promise<Solution | undefined> {
  const named = { ...recipe, name: `sensitivity-${recipe.name}` }
  const { network, data, folder } = await openSession(named, { ...options, signal })
  await loadWeights(network, options.weights)
  const { densities, leastDensity } = options
  const budget = budgetOf(options)
  if (budget) checkBudget(network, budget, { leastDensity, ...(densities && { densities }) })
  await makeFolder(folder)
  using reporter = createReporter({ quiet: options.quiet ?? false })
  announce(reporter, named, options, folder)
  const { autocast } = recipe.dense
  const job = sensitivity(network, data.validation, { autocast, signal, ...(densities && { densities }) })
  let started = false
  for await (const { layer, density, error, done, total } of job) {
    if (!started) reporter.start('sensitivity', total, 'points')
    started = true
    reporter.update(done, { layer, density: String(density), error: formatPercent(error) })
  }
  reporter.stop()
  const found = await job
  await writeSensitivity(folder, {
    schema: 1,
    model: recipe.name,
    validationErrorDense: found.denseError,
    layers: found.layers.map(({ layer, kind, points }) => ({
      name: layer,
      kind,
      points: points.map(({ density, error }) => ({ density, validationError: error })),
    })),
  })
  await writeTextAtomically(join(folder, 'sensitivity.csv'), toCsv(found))
  reporter.line(`\n${curveTable(found)}`)
  const solution = budget && (await solveThresholds(network, found, budget, { leastDensity, signal }))
  if (solution) {
    await writeJsonAtomically(join(folder, THRESHOLDS_FILE), { schema: 1, budget, ...solution })
    reporter.line(`\n${solutionText(solution)}`)
  }
  const report = await writeReport(folder)
  reporter.line(`\nThe files are in ${shown(folder)}, the report in ${shown(report)}`)
  return solution
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

/** A column for each layer as long as they fit a terminal, else a row for each with a few densities. */
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
  const names = Object.entries(quality).map(([layer, value]) => `${layer}=${value.toFixed(3)}`)
  return [
    renderTable(['layer', 'kept', 'quality'], rows),
    '',
    `${formatCount(weights)} weights, ${formatCount(bytes)} bytes, ${errorIncrease.toFixed(2)} points of error before retraining`,
    `as an option of prune: --quality ${names.join(',')}`,
  ].join('\n')
}
