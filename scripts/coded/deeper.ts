import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  type AnyNetwork,
  criteria,
  evaluate,
  loadNetwork,
  type Network,
  predict,
  prune,
  setJobThreads,
} from '../../lib/index.js'
import { Checkpoint, findRecipe, REFERENCE_FILE, readData, retrainingOf } from '../../lib/internal.js'

// One round more behind the last one of a run of `lenet-5-coded`, retrained for longer, to where weights are counted alone,
// without sharing: 200 times fewer by default. The test set is read once, at the end.
// Run it: tsx scripts/coded/deeper.ts runs/lenet-5-coded-0 [--seed 0] [--density 0.005] [--epochs 30] [--threads 2]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '0' },
    density: { type: 'string', default: '0.005' },
    epochs: { type: 'string', default: '30' },
    threads: { type: 'string', default: '2' },
  },
})
const [folder] = positionals
if (folder === undefined) throw new Error('give the folder of a run')
setJobThreads(Number(values.threads))
const recipe = await findRecipe('lenet-5-coded')
const data = await readData(recipe.data)
using dense: AnyNetwork = await loadNetwork(join(folder, REFERENCE_FILE))
using teacher = await predict(dense, data.train)
using net: AnyNetwork = await loadNetwork(new Checkpoint(folder).retrained(recipe.prune.rounds!))
const { distillation, ...retrain } = { ...retrainingOf(recipe), epochs: Number(values.epochs) }
const { rounds } = await prune(net as Network, data, {
  criterion: criteria.magnitude().global(Number(values.density)),
  rounds: 1,
  adjustDropout: 'off',
  seed: Number(values.seed),
  retrain: { ...retrain, distillation: { ...distillation, teacher } },
})
const { layers } = rounds.at(-1)!
const count = (of: 'weights' | 'kept') => layers.reduce((sum, layer) => sum + layer[of], 0)
const { top1Error, loss } = await evaluate(net, data.validation)
console.log(`kept ${count('kept')} weights, ${(count('weights') / count('kept')).toFixed(1)} times fewer`)
console.log(`validation error ${top1Error.toFixed(2)}%, loss ${loss.toFixed(5)}`)
console.log(`test error ${(await evaluate(net, data.test)).top1Error.toFixed(2)}%`)
