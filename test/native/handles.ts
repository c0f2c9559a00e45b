import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadAddon } from '../../lib/binding/addon.js'
import type {
  BatchQueueHandle,
  DatasetHandle,
  FilesHandle,
  LeaseHandle,
  Native,
  NetworkHandle,
  OptimizerHandle,
  SessionHandle,
  TensorHandle,
  TrainerHandle,
} from '../../lib/binding/native.js'
import { freePort } from '../../lib/distributed/launcher.js'
import { batchNorm2d, conv2d, dropout, flatten, linear, relu } from '../../lib/nn/layers/index.js'

/** The addon, and below what its functions are called with when all is right. */
export const addon: Native = loadAddon()

export const paths = (...names: string[]) => Buffer.from(names.map((name) => `${name}\0`).join(''))
export const PICTURE = fileURLToPath(new URL('../golden/images/all/plain.png', import.meta.url))
/** Ends with the process. */
export const FOLDER = mkdtempSync(join(tmpdir(), 'torch-prune-fuzz-'))
process.on('exit', () => rmSync(FOLDER, { recursive: true, force: true }))
export const PACK_INDEX = 64 + 8 * 8 * 3
export const PACK = writePack()
export const OUT = join(FOLDER, 'out.pack')
writeFileSync(OUT, '')

export const LAYERS = [
  { name: 'conv', inputs: ['input'], ...conv2d(1, 2, 2) },
  { name: 'bn', inputs: ['conv'], ...batchNorm2d(2) },
  { name: 'relu', inputs: ['bn'], ...relu() },
  { name: 'flatten', inputs: ['relu'], ...flatten() },
  { name: 'drop', inputs: ['flatten'], ...dropout(0.5) },
  { name: 'fc', inputs: ['drop'], ...linear(8, 3) },
]
const SGD = { kind: 'sgd', fused: true, momentum: 0.9, dampening: 0, nesterov: true } as const

export function floats(...shape: number[]): TensorHandle {
  const count = shape.reduce((product, size) => product * size, 1)
  return addon.fromBytes(new Float32Array(count).fill(0.5), 'float32', shape, 'cpu')
}

/** A list of files, all of class 0. */
export function files(...names: string[]): FilesHandle {
  const list = addon.filesMake()
  addon.filesAdd(list, paths(...names), new Int32Array(names.length))
  return list
}

export function bools(...shape: number[]): TensorHandle {
  return addon.fromBytes(
    new Uint8Array(shape.reduce((all, size) => all * size, 1)).fill(1),
    'bool',
    shape,
    'cpu',
  )
}

export function labels(count: number): TensorHandle {
  return addon.fromBytes(new BigInt64Array(count), 'int64', [count], 'cpu')
}

function leaf(...shape: number[]): TensorHandle {
  const tensor = floats(...shape)
  addon.setRequiresGrad(tensor, true)
  return tensor
}

export function network(): NetworkHandle {
  return addon.networkMake(LAYERS, 1, 'cpu')
}

/** Spliced networks that wait for a call: splicing is a job. */
const spliced: NetworkHandle[] = []
export async function makeSpliced(): Promise<void> {
  while (spliced.length < 4) {
    const made = network()
    await addon.networkPutStart(made, [], [{ name: 'fc.weight', kind: 'spliced' }]).promise
    spliced.push(made)
  }
}
await makeSpliced()

export const BATCHES = {
  sampleShape: [1, 3, 3],
  targetShape: [],
  targetDtype: 'int64',
  mean: [],
  std: [],
  ahead: 2,
} as const

/** Of a reading that has begun, and that nobody goes on with. */
export const queue = await new Promise<BatchQueueHandle>((resolve) => {
  const dataset = addon.batchesMake(
    (event, _, given) => {
      if (event === 'open') resolve(given as BatchQueueHandle)
      reading.cancel()
    },
    undefined,
    BATCHES,
  )
  const reading = addon.evaluationStart(network(), dataset, { batchSize: 2 })
})

/** A process on its own, in a group that it makes with nobody. */
export const ALONE = { rank: 0, worldSize: 1, address: '127.0.0.1', port: await freePort() }
export const group = (await addon.processGroupStart(ALONE).promise)!

/** Six halves, coded. */
export const [CODED] = (await addon.codedEncodeStart('compact', [
  { name: 'tensor', values: floats(2, 3), keep: bools(2, 3) },
]).promise)! as [Uint8Array]

export const COMPILED = {
  ...{ batch: 2, threads: 1, concurrency: 2, inputShape: [1, 3, 3], forms: [] },
  ...{ mean: [0.5], std: [0.25] },
}
/** Compiling is a job, so a few are ready. */
const sessions: SessionHandle[] = []
for (let i = 0; i < 20; i++) {
  sessions.push((await addon.sessionCompileStart(network(), COMPILED).promise)!.session)
}

const MAKERS = {
  tensor: () => floats(2, 3),
  image: () => floats(2, 1, 3, 3),
  leaf: () => leaf(2, 3),
  loss: () => addon.operator('aten::sum', '')(leaf(2, 3)) as TensorHandle,
  state: () => addon.randomState(),
  network,
  spliced: () => spliced.pop() ?? network(),
  optimizer: () => addon.optimizerMake(SGD, [{ name: 'fc.weight', network: handle('network') }]),
  trainer: () => addon.trainerMake(handle('network'), handle('optimizer'), handle('dataset'), TRAINER),
  session: () => (sessions.length > 1 ? sessions.pop()! : sessions[0]!),
  lease: () => addon.leaseTake('train()', network(), [], []),
  dataset: () => addon.datasetMake(floats(6, 1, 3, 3), labels(6), [], [], 'auto'),
  folder: () => addon.imageFolderMake(files(PICTURE), { ...IMAGES }),
  packed: () => addon.packedMake(PACK, { index: PACK_INDEX, count: 1, classes: 1 }, { ...IMAGES }),
}
type Kind = keyof typeof MAKERS
export const KINDS = Object.keys(MAKERS) as Kind[]

const live = new Map<Kind, unknown>()

/** The handle of a kind: it lives on from call to call, as a program's do. */
export function handle<K extends Kind>(kind: K): ReturnType<(typeof MAKERS)[K]> {
  if (!live.has(kind)) live.set(kind, MAKERS[kind]())
  return live.get(kind) as ReturnType<(typeof MAKERS)[K]>
}

/** The next calls get new handles. */
export function forgetHandles(): void {
  live.clear()
}

/** Disposes of every handle: some call may be looking at one. */
export function disposeHandles(): void {
  for (const [kind, each] of live) {
    if (kind === 'network' || kind === 'spliced') addon.networkDispose(each as NetworkHandle)
    else if (kind === 'session') addon.sessionDispose(each as SessionHandle)
    else if (kind === 'lease') addon.leaseEnd(each as LeaseHandle)
    else if (kind === 'optimizer') addon.optimizerDispose(each as OptimizerHandle)
    else if (kind === 'trainer') addon.trainerDispose(each as TrainerHandle)
    else if (kind === 'dataset' || kind === 'folder' || kind === 'packed')
      addon.datasetDispose(each as DatasetHandle)
    else addon.tensorDispose(each as TensorHandle)
  }
  live.clear()
}

export const AUGMENT = { crop: { padding: 1 }, flip: true, cutout: 1 }
export const IMAGES = {
  size: 8,
  resize: 9,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  threads: 1,
  ahead: 1,
  exact: true,
}
export const TRAINER = {
  batchSize: 2,
  dropLast: false,
  loss: { kind: 'crossEntropy', labelSmoothing: 0.1, weight: [1, 2, 1], ignoreIndex: -100 },
  accumulate: 2,
  clipNorm: 1,
  clipValue: 0.5,
  augment: AUGMENT,
  teacher: floats(6, 3),
  teacherWeight: 0.5,
  temperature: 2,
  averages: { 'fc.bias': floats(3) },
  keepLosses: true,
}

/** A packed file of one black image of 8 by 8 pixels. */
function writePack(): string {
  const path = join(FOLDER, 'one.pack')
  const bytes = Buffer.alloc(PACK_INDEX + 24)
  bytes.writeBigUInt64LE(64n, PACK_INDEX)
  bytes.writeUInt32LE(8, PACK_INDEX + 8)
  bytes.writeUInt32LE(8, PACK_INDEX + 12)
  writeFileSync(path, bytes)
  return path
}
