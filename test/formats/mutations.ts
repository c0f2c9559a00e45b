// Reads damaged files of every kind: none may end the process or hang, and each error is ours. Run by
// test/formats/mutations.test.ts in a child process, and by hand:
//   node --import tsx/esm test/formats/mutations.ts 3000 [SEED [FILE [KIND]]]
// FILE holds the seed and what is read, so that a crash tells which it was.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { TorchPruneError } from '../../lib/base/errors.js'
import { cifar10 } from '../../lib/data/cifar10.js'
import { Dataset } from '../../lib/data/dataset.js'
import { readIdx } from '../../lib/data/idx.js'
import { imageClasses } from '../../lib/data/images.js'
import { packed, packImages } from '../../lib/data/packed.js'
import { readTensorFile } from '../../lib/formats/tensor_file.js'
import { flatten, linear } from '../../lib/nn/layers/index.js'
import { loadNetwork } from '../../lib/nn/load.js'
import { network } from '../../lib/nn/network.js'
import { sgd } from '../../lib/optim/spec.js'
import { readRecipeFile } from '../../lib/recipes/json.js'
import { Checkpoint } from '../../lib/runs/checkpoint.js'
import { EventLog, readEvents } from '../../lib/runs/events.js'
import { readRunRecord } from '../../lib/runs/record.js'
import { zeros } from '../../lib/tensor/factories.js'
import { manualSeed } from '../../lib/tensor/random.js'
import { train } from '../../lib/train/train.js'
import { random, tinyRecipe, writeTinyMnist } from '../cli/tiny.js'
import { writeTinyRun } from '../report/run_folder.js'

const RUNS = Number(process.argv[2] ?? 30)
const SEED = Number(process.argv[3] ?? Date.now() % 2 ** 31)
const NOTE = process.argv[4] ?? join(tmpdir(), `torch-prune-mutations-${process.pid}.txt`)
const ONLY = process.argv[5]
const HANG = 60_000

const root = mkdtempSync(join(tmpdir(), 'torch-prune-mutations-'))
process.on('exit', () => rmSync(root, { recursive: true, force: true }))
const at = (...names: string[]) => join(root, ...names)
const golden = (name: string) => new URL(`../golden/${name}`, import.meta.url).pathname

/** A file, and how it is read. */
interface Kind {
  readonly file: string
  read(): PromiseLike<unknown>
  /** Reading takes long: it is tried so much less often. */
  readonly seldom?: number
}

const kinds: Record<string, Kind> = {}

function torchFile(name: string): Kind {
  cpSync(golden(`torch/${name}`), at(name))
  return { file: at(name), read: () => readTensorFile(at(name)) }
}

async function readPicture(folder: string) {
  const { dataset } = await imageClasses(folder, { size: 16, threads: 1 })
  using data = dataset
  using samples = await data.read([0], { augment: { resizedCrop: true } })
  return samples.indices
}

function picture(name: string): Kind {
  const folder = at(`pictures-${name}`)
  mkdirSync(join(folder, 'class'), { recursive: true })
  cpSync(golden(`images/all/${name}`), join(folder, 'class', name))
  return { file: join(folder, 'class', name), read: () => readPicture(folder) }
}

async function trainFrom(path: string) {
  using net = network([4], { fc: linear(4, 2) })
  using data = Dataset.from(zeros([4, 4]), zeros([4], { dtype: 'int64' }))
  const optimizer = sgd({ lr: 0.1, momentum: 0.9 })
  await train(net, data, { epochs: 1, batchSize: 2, optimizer, checkpoint: { path } })
}

async function prepare(): Promise<void> {
  manualSeed(0)
  using net = network([4], { flatten: flatten(), fc: linear(4, 2) })
  await net.save(at('net.safetensors'))
  kinds.safetensors = {
    file: at('net.safetensors'),
    read: async () => (await loadNetwork(at('net.safetensors'))).dispose(),
  }
  await net.export(at('net.tpz'))
  kinds['coded file'] = {
    file: at('net.tpz'),
    read: async () => (await loadNetwork(at('net.tpz'))).dispose(),
  }
  kinds['torch file'] = torchFile('checkpoint.pt')
  kinds['torch file of protocol 4'] = torchFile('protocol4.pt')
  kinds['torch file of before PyTorch 1.6'] = torchFile('legacy.pt')

  writeTinyMnist(at('mnist'), { train: 8, test: 8 })
  const images = at('mnist', 'train-images-idx3-ubyte')
  kinds['IDX file'] = { file: images, read: () => readIdx(images, { dims: 3 }) }
  const zipped = at('images.gz')
  writeFileSync(zipped, gzipSync(readFileSync(images)))
  kinds['compressed IDX file'] = { file: zipped, read: () => readIdx(zipped, { dims: 3 }) }

  kinds['JPEG picture'] = picture('colour.jpg')
  kinds['progressive JPEG picture'] = picture('progressive.jpg')
  kinds['PNG picture'] = picture('plain.png')

  for (const part of ['train/a', 'val/a'])
    cpSync(golden('images/all'), at('folder', part), { recursive: true })
  await packImages(at('folder'), at('images.pack'), { resize: 16, validation: 1, threads: 1 })
  kinds['packed file'] = {
    file: at('images.pack'),
    read: async () => {
      const parts = await packed(at('images.pack'), { size: 16, threads: 1 })
      using samples = await parts.train.read([0, 1])
      for (const part of [parts.train, parts.validation, parts.test]) part.dispose()
      return samples.indices
    },
  }

  await trainFrom(at('training.safetensors'))
  kinds['training checkpoint'] = {
    file: at('training.safetensors'),
    read: () => trainFrom(at('training.safetensors')),
  }

  writeFileSync(at('recipe.json'), JSON.stringify(tinyRecipe()))
  kinds.recipe = { file: at('recipe.json'), read: () => readRecipeFile(at('recipe.json')) }

  await writeTinyRun(at('run'))
  kinds['record of a run'] = { file: at('run', 'run.json'), read: () => readRunRecord(at('run')) }
  await writeEvents(at('run'))
  kinds['events of a run'] = { file: at('run', 'events.jsonl'), read: () => readEvents(at('run')) }
  const checkpoint = new Checkpoint(at('run'))
  const state = { schema: 1, recipe: 'tiny', plan: 'x', seed: 0, seconds: 1 } as const
  await checkpoint.write({
    ...state,
    rounds: [],
    referenceValidationError: 1,
    initialDeviations: { fc: 0.1 },
  })
  kinds['state of a run'] = { file: join(checkpoint.folder, 'state.json'), read: () => checkpoint.read() }

  if (ONLY !== 'CIFAR-10') return
  mkdirSync(at('cifar'))
  for (const name of [...[1, 2, 3, 4, 5].map((n) => `data_batch_${n}.bin`), 'test_batch.bin'])
    writeFileSync(at('cifar', name), Buffer.alloc(10_000 * 3073))
  const read = async () => {
    for (const part of Object.values(await cifar10(at('cifar')))) part.dispose()
  }
  kinds['CIFAR-10'] = { file: at('cifar', 'test_batch.bin'), read, seldom: 100 }
}

async function writeEvents(folder: string): Promise<void> {
  await using log = await EventLog.open(folder)
  const epoch = { event: 'epoch', epochs: 2, learningRate: 0.1, validationError: 10, seconds: 1 } as const
  await log.append({ ...epoch, round: 0, epoch: 1, loss: 0.5 })
  await log.append({ event: 'prune', round: 1, density: 0.5, thresholds: { fc: 0.1 } })
  await log.append({ event: 'end', seconds: 2 })
}

/** The bytes with something done to them. */
function mutated(whole: Buffer, next: () => number): Buffer {
  const below = (limit: number) => Math.floor(next() * limit)
  const bytes = Buffer.from(whole)
  // The beginning says how the rest is read: half of all damage is there.
  const place = () => below(next() < 0.5 ? Math.min(bytes.length, 128) : bytes.length)
  switch (below(6)) {
    case 0:
      for (let i = 0; i <= below(4); i++) bytes[place()]! ^= 1 << below(8)
      return bytes
    case 1:
      return bytes.subarray(0, below(bytes.length))
    case 2: {
      const from = place()
      const more = Buffer.from(Array.from({ length: 1 + below(16) }, () => below(256)))
      return Buffer.concat([bytes.subarray(0, from), more, bytes.subarray(from)])
    }
    case 3: {
      const [from, count] = [place(), 1 + below(64)]
      return Buffer.concat([bytes.subarray(0, from + count), bytes.subarray(from)])
    }
    case 4: {
      // The largest numbers of one, two, four and eight bytes, with and without a sign.
      const from = place()
      const size = Math.min(2 ** below(4), bytes.length - from)
      bytes.fill(255, from, from + size)
      if (next() < 0.5) bytes[from + size - 1] = 127
      return bytes
    }
    default: {
      const from = place()
      const huge = ['99999999999999999999', '1e309', '-1', '"x"', 'null', '[]', '{"a":{}}'][below(7)]!
      const text = bytes.toString('latin1')
      const head = text.slice(0, from)
      return Buffer.from(head + text.slice(from).replace(/\d+/, huge), 'latin1')
    }
  }
}

let failed = 0
async function attempt(name: string, { file, read }: Kind, run: number, original: Buffer): Promise<boolean> {
  const seed = (SEED + run * 7919) >>> 0
  writeFileSync(file, mutated(original, random(seed)))
  writeFileSync(NOTE, `seed ${SEED}, ${name}, mutation ${run}\n`)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('it does not end')), HANG)
  })
  try {
    await Promise.race([read(), late])
    return true
  } catch (error) {
    if (!(error instanceof TorchPruneError) || /[\n\r]/.test(error.message)) {
      failed++
      console.error(`seed ${SEED}, ${name}, mutation ${run}:`, error)
    }
    return false
  } finally {
    clearTimeout(timer)
  }
}

await prepare()
const report: Record<string, string> = {}
for (const [name, kind] of Object.entries(kinds)) {
  if (ONLY !== undefined && ONLY !== name) continue
  const original = readFileSync(kind.file)
  await kind.read()
  let read = 0
  const runs = Math.ceil(RUNS / (kind.seldom ?? 1))
  for (let run = 0; run < runs; run++) read += Number(await attempt(name, kind, run, original))
  writeFileSync(kind.file, original)
  report[name] = `${read} of ${runs} read`
}
console.log(JSON.stringify(report))
process.exitCode = failed > 0 ? 3 : 0
