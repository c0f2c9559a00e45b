import { join } from 'node:path'
import { computeInJobs } from '../binding/threads.js'
import { makeFolder, writeTextAtomically } from '../io/atomic.js'
import { loadWeights } from '../io/network.js'
import { type Sensitivity, sensitivity } from '../prune/sensitivity.js'
import { type Budget, type Solution, solveThresholds } from '../prune/solve.js'
import { findRecipe } from '../recipes/registry.js'
import { formatCount, formatPercent } from '../report/format.js'
import { writeReport } from '../report/report.js'
import { writeSensitivity } from '../report/sensitivity.js'
import { createReporter } from './progress.js'
import type { SensitivityOptions } from './sensitivity.js'
import { renderTable } from './table.js'
import { shown } from './work.js'

/** Figure 6 for a trained network: table, JSON, CSV, chart; thresholds for a budget where one is given. */
export async function studySensitivity(
  model: string,
  options: SensitivityOptions,
  signal: AbortSignal,
): Promise<void> {
  const recipe = await findRecipe(model, 'model')
  const { seed, device, threads } = options
  computeInJobs(threads)
  using network = recipe.model({ seed, device })
  await loadWeights(network, options.weights)
  const { validation } = await recipe.data(options.data)
  const folder = options.out ?? `runs/sensitivity-${recipe.name}-${seed}`
  await makeFolder(folder)
  using reporter = createReporter({ quiet: options.quiet ?? false })
  const job = sensitivity(network, validation, {
    signal,
    ...(options.densities && { densities: options.densities }),
  })
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
  reporter.line(curveTable(found))
  const budget = budgetOf(options)
  if (budget) reporter.line(`\n${solutionText(await solveThresholds(network, found, budget, { signal }))}`)
  const report = await writeReport(folder)
  reporter.line(`\nThe files are in ${shown(folder)}, the report in ${shown(report)}`)
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

function curveTable({ denseError, layers }: Sensitivity): string {
  const densities = layers[0]?.points.map(({ density }) => density) ?? []
  const columns = ['kept', ...layers.map(({ layer }) => layer)]
  const rows = densities.map((density, i) => [
    formatPercent(100 * density, 0),
    ...layers.map(({ points }) => formatPercent(points[i]!.error)),
  ])
  return renderTable(columns, [['100%', ...layers.map(() => formatPercent(denseError))], ...rows])
}

function solutionText({ densities, quality, weights, bytes, errorIncrease }: Solution): string {
  const rows = Object.keys(densities).map((layer) => [
    layer,
    formatPercent(100 * densities[layer]!, 0),
    quality[layer]!.toFixed(3),
  ])
  const names = Object.entries(quality).map(([layer, value]) => `${layer}=${value.toFixed(3)}`)
  return [
    renderTable(['layer', 'kept', 'quality'], rows),
    `${formatCount(weights)} weights, ${formatCount(bytes)} bytes, ${errorIncrease.toFixed(2)} points of error before retraining`,
    `as an option of prune: --quality ${names.join(',')}`,
  ].join('\n')
}
