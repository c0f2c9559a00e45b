// Takes the coded network of a finished run into the package: networks/NAME.tpz, what its record says of it in
// NAME.json, and the list of names in lib/models/pretrained_names.ts.
//     npm run networks -- lenet-300-100 runs/lenet-300-100-coded-0
import { copyFileSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { loadNetwork, loadWeights, models, type PretrainedInfo, rand } from '../lib/index.js'
import { CODED_FILE, PACKAGE, readRunRecord } from '../lib/internal.js'

/** The folder of the networks. */
export const NETWORKS_FOLDER = join(PACKAGE, 'networks')

const LIST = join(PACKAGE, 'lib/models/pretrained_names.ts')

/** What a run's record says of its coded file, which must be the one that lies in the folder, and of this model. */
export async function infoOf(name: string, run: string): Promise<PretrainedInfo> {
  const { recipe, seed, reference, pruned, coded } = await readRunRecord(run)
  const file = join(run, CODED_FILE)
  if (coded === undefined) throw new Error(`${run}: its recipe codes no network`)
  const { size } = statSync(file)
  if (size !== coded.bytes) throw new Error(`${file} has ${size} bytes, and run.json says ${coded.bytes}`)
  await checkModel(name, file)
  const { bytes, ratio, top1Error } = coded
  const { parameters: kept, compression } = pruned
  const { parameters } = reference
  return { recipe, seed, bytes, ratio, top1Error, parameters, kept, compression }
}

/** Throws unless a model with the weights of a file computes what the file's own network does, which may have dropout. */
async function checkModel(name: string, file: string): Promise<void> {
  using network = await loadNetwork(file)
  using model = models.createModel(name)
  await loadWeights(model, file)
  using samples = rand([2, ...model.inputShape])
  using ours = model.forward(samples)
  using theirs = network.forward(samples)
  if (!isDeepStrictEqual(ours.data(), theirs.data())) throw new Error(`${file} is no ${name}`)
}

/** What lib/models/pretrained_names.ts must contain. */
export function networksList(): string {
  const names = readdirSync(NETWORKS_FOLDER)
    .filter((file) => file.endsWith('.tpz'))
    .map((file) => `'${basename(file, '.tpz')}'`)
    .sort()
  return `// Written by \`npm run networks\` from the files in networks/.
/** The models of which a finished network comes with the package. */
export const pretrainedNames = [${names.join(', ')}] as const
`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name, run] = process.argv.slice(2)
  if (name === undefined || run === undefined) throw new Error('usage: npm run networks -- NAME RUN')
  const info = await infoOf(name, run)
  mkdirSync(NETWORKS_FOLDER, { recursive: true })
  copyFileSync(join(run, CODED_FILE), join(NETWORKS_FOLDER, `${name}.tpz`))
  writeFileSync(join(NETWORKS_FOLDER, `${name}.json`), `${JSON.stringify(info, null, 2)}\n`)
  writeFileSync(LIST, networksList())
  console.log(`${name}: ${info.bytes} bytes, ${info.top1Error}% error`)
}
