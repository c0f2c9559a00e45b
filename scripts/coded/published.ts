import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Recipe, type RunRecord, runRecipe } from '../../lib/index.js'
import { findRecipe, renderTable } from '../../lib/internal.js'
import { spread } from '../bench/statistics.js'

// Deep Compression's table 1 (Han, Mao and Dally 2016) on MNIST: the two networks at the densities of the paper before it,
// with as many shared values as there or fewer, which are trained, in files of profile `huffman`. The dense networks are
// trained on digits that are moved about, as those of the recipes that end in coded files. The test set is read once by
// each run, from the file.
// Run it: tsx scripts/coded/published.ts --out runs/published [--threads 2] [--seeds 0,1,2] [lenet-300-100|lenet-5]...

interface Plan {
  /** Bits of weights, by layer or kind: in fully connected layers one less than in its tables 2 and 3. */
  readonly bits: number | { conv: number; fc: number }
  /** Epochs of the dense network. */
  readonly epochs: number
}
const PLANS: Readonly<Record<string, Plan>> = {
  'lenet-300-100': { bits: 5, epochs: 60 },
  'lenet-5': { bits: { conv: 8, fc: 4 }, epochs: 24 },
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string' },
    seeds: { type: 'string', default: '0,1,2' },
    threads: { type: 'string', default: '2' },
  },
})
const { out } = values
if (out === undefined) throw new Error('give --out, a folder for the runs')
const seeds = values.seeds.split(',').map(Number)
const names = positionals.length > 0 ? positionals : Object.keys(PLANS)

async function run(name: string, seed: number): Promise<RunRecord> {
  const recipe = await findRecipe(name)
  const { bits, epochs } = PLANS[name]!
  const coded: Recipe = {
    ...recipe,
    name: `${name}-huffman`,
    dense: { ...recipe.dense, epochs, augment: { crop: { padding: 2 } } },
    prune: { ...recipe.prune, retrain: { ...recipe.prune.retrain, augment: {} } },
    quantize: { bits, retrain: { epochs: 5 } },
    code: { profile: 'huffman' },
  }
  const folder = join(out!, `${name}-${seed}`)
  const threads = Number(values.threads)
  return (await runRecipe(coded, { seed, out: folder, threads, resume: true })).record
}

for (const name of names) {
  const records: RunRecord[] = []
  for (const seed of seeds) records.push(await run(name, seed))
  const row = (what: string, of: (record: RunRecord) => number, digits: number) => {
    const all = records.map(of)
    return [what, ...[...all, spread(all).median].map((value) => value.toFixed(digits))]
  }
  console.log(`${name}, seeds ${values.seeds}`)
  const rows = [
    row('parameters kept, in times fewer', ({ pruned }) => pruned.compression, 1),
    row('test error before sharing, %', ({ pruned }) => pruned.top1Error, 2),
    row('test error of the file, %', ({ coded }) => coded!.top1Error, 2),
    row('bytes of the file', ({ coded }) => coded!.bytes, 0),
    ...records[0]!.quantized!.layers.map(({ name: layer }, i) =>
      row(`${layer}: bits of a weight, coded`, ({ quantized }) => quantized!.layers[i]!.entropy, 2),
    ),
  ]
  console.log(renderTable(['', ...seeds.map(String), 'median'], rows))
}
