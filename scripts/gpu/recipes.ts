import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Ended, lastLines, runChild } from './child.js'
import type { Part, PartContext } from './part.js'

const RECIPES = ['lenet-300-100', 'lenet-5'] as const

/** A recipe that takes seconds, to see that everything runs. */
const TINY = {
  name: 'tiny',
  model: 'lenet-300-100',
  data: { kind: 'mnist', validation: 5000 },
  dense: { epochs: 1, batchSize: 512, optimizer: { kind: 'sgd', lr: 0.05, momentum: 0.9 } },
  prune: {
    criterion: {
      score: { kind: 'magnitude' },
      select: { kind: 'density', density: { fc1: 0.1, fc2: 0.2, fc3: 0.5 } },
    },
    rounds: 1,
    retrain: { epochs: 1, lrFactor: 0.5 },
  },
}

/** The parts of run.json that are read here. */
interface Run {
  readonly seconds: number
  readonly reference: { readonly top1Error: number }
  readonly pruned: { readonly top1Error: number; readonly compression: number }
}

/** Runs both recipes of MNIST, one after the other. */
export const recipesPart: Part = async (context) => {
  const { scratch, tiny, say } = context
  const own = join(scratch, 'tiny.json')
  if (tiny) writeFileSync(own, JSON.stringify(TINY))
  const failures: string[] = []
  const rows: [string, string][] = []
  const figures: Record<string, object> = {}
  for (const recipe of tiny ? [own] : RECIPES) {
    const name = tiny ? TINY.name : recipe
    const { seconds, run, failure } = await runRecipe(recipe, join(scratch, name), context)
    if (run === undefined) {
      failures.push(`${name}: ${failure}`)
      rows.push([name, 'failed'])
      continue
    }
    const { reference, pruned } = run
    const text = `${seconds.toFixed(1)} s, ${pruned.top1Error}% test error (dense ${reference.top1Error}%), ${pruned.compression.toFixed(1)}×`
    say(`${name}: ${text}`)
    rows.push([name, text])
    figures[name] = { seconds, trainingSeconds: run.seconds, reference, pruned }
  }
  return { failures, rows, figures }
}

async function runRecipe(
  recipe: string,
  folder: string,
  { device, seconds, log, tiny }: PartContext,
): Promise<Ended & { readonly run?: Run }> {
  const args = ['dist/cli/main.js', 'run', recipe, '--device', device, '--seed', '0', '--out', folder]
  const limit = tiny ? seconds : seconds / RECIPES.length
  const ended = await runChild(process.execPath, [...args, '--overwrite', '--quiet'], { seconds: limit, log })
  if (ended.failure) return { ...ended, failure: `${ended.failure}\n${lastLines(ended.stderr, 6)}` }
  return { ...ended, run: JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as Run }
}
