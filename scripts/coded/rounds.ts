import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type AnyNetwork, evaluate, loadNetwork, predict, quantize, setJobThreads } from '../../lib/index.js'
import {
  Checkpoint,
  findRecipe,
  quantizingOf,
  REFERENCE_FILE,
  readData,
  renderTable,
  sortNeurons,
  taughtBy,
} from '../../lib/internal.js'

// Codes rounds of a run, each by the plan of a recipe that ends in a coded file: how large the file is and how often it
// errs, from many weights to few. Only with --test is the test set read, from the files.
// Run it: tsx scripts/coded/rounds.ts lenet-300-100-coded runs/lenet-300-100-coded-0 --rounds 15,16 [--seed 0] [--test]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    seed: { type: 'string', default: '0' },
    threads: { type: 'string', default: '2' },
    plan: { type: 'string', default: '{}' },
    test: { type: 'boolean', default: false },
  },
})
const [name, folder] = positionals
if (name === undefined || folder === undefined || values.rounds === undefined)
  throw new Error('give a recipe, the folder of a run, and --rounds')
setJobThreads(Number(values.threads))
const recipe = await findRecipe(name)
const plan = quantizingOf(recipe, { ...recipe.quantize!, ...(JSON.parse(values.plan) as object) })
const data = await readData(recipe.data)
const seed = Number(values.seed)
using dense = await loadNetwork(join(folder, REFERENCE_FILE))
using teacher = await predict(dense, data.train)
const checkpoint = new Checkpoint(folder)

/** Pruned networks are retrained without dropout, where their recipe says so; their files have it still. */
function withoutDropout(network: AnyNetwork): void {
  if (recipe.prune.adjustDropout !== 'off') return
  for (const { name, layer } of network.nodes) if (layer.kind === 'dropout') network.setDropout(name, 0)
}

async function coded(round: number): Promise<string[]> {
  using network: AnyNetwork = await loadNetwork(checkpoint.retrained(round))
  withoutDropout(network)
  const options = { ...taughtBy(plan, teacher), seed }
  const { layers, validationErrorBefore } = await quantize(network, data, options)
  await sortNeurons(network)
  const file = join(folder!, `round-${round}.tpz`)
  await network.export(file, recipe.code)
  using read = await loadNetwork(file)
  const { top1Error, loss } = await evaluate(read, data.validation)
  const kept = layers.reduce((sum, layer) => sum + layer.kept, 0)
  return [
    ...[`${round}`, `${kept}`, validationErrorBefore.toFixed(2), top1Error.toFixed(2), loss.toFixed(4)],
    `${(await stat(file)).size}`,
    values.test ? `${(await evaluate(read, data.test)).top1Error.toFixed(2)}` : '',
  ]
}

const rows: string[][] = []
for (const round of values.rounds.split(',').map(Number)) rows.push(await coded(round))
const columns = ['round', 'kept', 'val. before', 'val. coded', 'loss', 'bytes', 'test']
console.log(renderTable(columns, rows))
