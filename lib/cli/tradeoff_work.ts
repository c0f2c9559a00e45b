import { join } from 'node:path'
import { z } from 'zod'
import { graphToJson } from '../nn/stored_graph.js'
import { makeNetwork } from '../recipes/model.js'
import { madeBy } from '../recipes/origin.js'
import { type Recipe, retrainingOf } from '../recipes/recipe.js'
import { findRecipe } from '../recipes/registry.js'
import { openSession } from '../recipes/session.js'
import { writeReport } from '../report/report.js'
import { OwnFolder } from '../runs/own_folder.js'
import { type TradeoffRecord, writeTradeoff } from '../runs/tradeoff_record.js'
import { StudyParts } from '../studies/parts.js'
import { TRADEOFF_CURVES, type TradeoffResult, tradeoff } from '../studies/tradeoff.js'
import { withCompute } from './compute.js'
import { Interrupted } from './failure.js'
import { commandWith } from './interrupt.js'
import { printJson } from './output.js'
import { reporterFor } from './progress.js'
import { renderTable } from './table.js'
import { announce, shown, takenOver } from './work.js'
import type { WorkOptions } from './work_options.js'

export interface TradeoffCommandOptions extends WorkOptions {
  readonly seeds: number
  readonly densities?: number[]
  readonly epochs?: number
  readonly retrainEpochs: number
  readonly l1: number
  readonly l2: number
}

/** The file for the curves that are done. */
const PARTS_FILE = 'tradeoff-parts.json'
const partSchema = z.object({ curve: z.string(), seed: z.int(), losses: z.array(z.number()) })

const DENSITIES = [0.7, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03]

/** Writes figure 5, curve by curve, as a table, JSON and a chart. */
export async function studyTradeoff(
  model: string,
  options: TradeoffCommandOptions,
  signal: AbortSignal,
): Promise<void> {
  const recipe = withCompute(await findRecipe(model, 'model'), options)
  const named = { ...recipe, name: `tradeoff-${recipe.name}` }
  const { out = `runs/${named.name}` } = options
  const session = await openSession(named, { ...options, out, command: commandWith(), signal })
  const { network, data, folder } = session
  const densities = options.densities ?? DENSITIES
  const seeds = Array.from({ length: options.seeds }, (_, i) => options.seed + i)
  const { l1, l2, device } = options
  const training = trainingOf(recipe, options)
  const plan = JSON.stringify({
    model: recipe.name,
    graph: graphToJson(network),
    densities,
    ...training,
    l1,
    l2,
  })
  network.dispose()
  await using place = await OwnFolder.open(folder)
  const parts = await StudyParts.open(join(folder, PARTS_FILE), partSchema, plan)
  const known = new Map(parts.done.map((part) => [`${part.curve} ${part.seed}`, part.losses]))
  const before = seeds.flatMap((seed) =>
    TRADEOFF_CURVES.filter(({ name }) => known.has(`${name} ${seed}`)),
  ).length
  using reporter = reporterFor(options)
  announce(reporter, named, options, folder)
  if (place.before) reporter.line(`${takenOver(place.before)}.`)
  if (before > 0) reporter.line(`Going on after ${before} curves that are saved.`)
  let done = before
  reporter.start('trade-off', TRADEOFF_CURVES.length * seeds.length, 'curves', before)
  const job = tradeoff({
    model: ({ seed }) => makeNetwork(recipe.model, { seed, device }),
    data,
    seeds,
    densities,
    ...training,
    l1,
    l2,
    signal,
    known: (curve, seed) => known.get(`${curve.name} ${seed}`),
    onProgress: (text) => reporter.update(done, { now: text }),
  })
  const saved = async (result: TradeoffResult) => {
    parts.done.push({ curve: result.curve.name, seed: result.seed, losses: [...result.losses] })
    await parts.save()
    reporter.update(++done, { curve: result.curve.name, seed: String(result.seed) })
  }
  const results: TradeoffResult[] = []
  try {
    for await (const result of job) {
      results.push(result)
      if (!known.has(`${result.curve.name} ${result.seed}`)) await saved(result)
    }
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error
    throw new Interrupted(`interrupted: ${parts.done.length} curves are saved; go on with: ${commandWith()}`)
  }
  reporter.stop()
  const made = madeBy(session, { ...training, l1, l2 })
  const record = toRecord(recipe, made, densities, seeds, results)
  await writeTradeoff(folder, record)
  const report = await writeReport(folder)
  if (options.json) return printJson({ kind: 'tradeoff', folder, report, tradeoff: record })
  reporter.line(`\n${recordTable(record)}`)
  reporter.line(`\nThe files are in ${shown(folder)}, the report in ${shown(report)}`)
}

function trainingOf(recipe: Recipe, { epochs, retrainEpochs }: TradeoffCommandOptions) {
  // Each curve has a regularization of its own, which takes the place of the recipe's.
  const { regularization: _, ...plain } = recipe.dense
  const dense = { ...plain, epochs: epochs ?? plain.epochs }
  const retrain = { ...retrainingOf({ ...recipe, dense: plain }), epochs: retrainEpochs }
  return { dense, retrain }
}

function toRecord(
  recipe: Recipe,
  made: TradeoffRecord['made'],
  densities: readonly number[],
  seeds: readonly number[],
  results: readonly TradeoffResult[],
): TradeoffRecord {
  const curves = TRADEOFF_CURVES.map((curve) => {
    const mine = results.filter((result) => result.curve.name === curve.name)
    const points = densities.map((density, i) => {
      const losses = mine.map((result) => result.losses[i]!)
      const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length
      const squares = losses.reduce((sum, loss) => sum + (loss - mean) ** 2, 0)
      return {
        density,
        losses,
        mean,
        spread: losses.length > 1 ? Math.sqrt(squares / (losses.length - 1)) : 0,
      }
    })
    return { ...curve, seeds: [...seeds], points }
  })
  return { schema: 1, model: recipe.name, made, curves }
}

function recordTable({ curves }: TradeoffRecord): string {
  const [first] = curves
  const spread = (first?.seeds.length ?? 0) > 1
  const rows = (first?.points ?? []).map(({ density }, i) => [
    `${Math.round(density * 1000) / 10}%`,
    ...curves.map(({ points }) => {
      const { mean, spread: deviation } = points[i]!
      return `${mean >= 0 ? '+' : ''}${mean.toFixed(2)}${spread ? ` ±${deviation.toFixed(2)}` : ''}`
    }),
  ])
  // Short names let all five columns fit the width of a terminal.
  const short = (name: string) => name.replace(', without retraining', ' alone').replace(',', '')
  const columns = curves.map(({ name }) => ({ title: short(name), align: 'right' as const }))
  return renderTable(['kept', ...columns], rows)
}
