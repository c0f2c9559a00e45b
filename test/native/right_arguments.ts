import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TorchPruneError } from '../../lib/base/errors.js'
import { loadAddon } from '../../lib/binding/addon.js'
import type {
  BatchQueueHandle,
  DatasetHandle,
  FilesHandle,
  LeaseHandle,
  Native,
  NativeParameter,
  NetworkHandle,
  OptimizerHandle,
  TensorHandle,
  TrainerHandle,
} from '../../lib/binding/native.js'
import { freePort } from '../../lib/distributed/launcher.js'
import { batchNorm2d, conv2d, dropout, flatten, linear, relu } from '../../lib/nn/layers/index.js'

/** What the functions of the addon are called with when all is right. A fuzzer then changes some of it. */
export const addon: Native = loadAddon()

const paths = (...names: string[]) => Buffer.from(names.map((name) => `${name}\0`).join(''))
const PICTURE = fileURLToPath(new URL('../golden/images/all/plain.png', import.meta.url))
/** Ends with the process. */
const FOLDER = mkdtempSync(join(tmpdir(), 'torch-prune-fuzz-'))
process.on('exit', () => rmSync(FOLDER, { recursive: true, force: true }))
const PACK_INDEX = 64 + 8 * 8 * 3
const PACK = writePack()
const OUT = join(FOLDER, 'out.pack')
writeFileSync(OUT, '')

const LAYERS = [
  { name: 'conv', inputs: ['input'], ...conv2d(1, 2, 2) },
  { name: 'bn', inputs: ['conv'], ...batchNorm2d(2) },
  { name: 'relu', inputs: ['bn'], ...relu() },
  { name: 'flatten', inputs: ['relu'], ...flatten() },
  { name: 'drop', inputs: ['flatten'], ...dropout(0.5) },
  { name: 'fc', inputs: ['drop'], ...linear(8, 3) },
]
const SGD = { kind: 'sgd', fused: true, momentum: 0.9, dampening: 0, nesterov: true } as const
const ADAM = { kind: 'adamw', fused: false, betas: [0.9, 0.99], eps: 1e-8, amsgrad: true } as const

function floats(...shape: number[]): TensorHandle {
  const count = shape.reduce((product, size) => product * size, 1)
  return addon.fromBytes(new Float32Array(count).fill(0.5), 'float32', shape, 'cpu')
}

/** A list of files, all of class 0. */
function files(...names: string[]): FilesHandle {
  const list = addon.filesMake()
  addon.filesAdd(list, paths(...names), new Int32Array(names.length))
  return list
}

function bools(...shape: number[]): TensorHandle {
  return addon.fromBytes(
    new Uint8Array(shape.reduce((all, size) => all * size, 1)).fill(1),
    'bool',
    shape,
    'cpu',
  )
}

function labels(count: number): TensorHandle {
  return addon.fromBytes(new BigInt64Array(count), 'int64', [count], 'cpu')
}

function leaf(...shape: number[]): TensorHandle {
  const tensor = floats(...shape)
  addon.setRequiresGrad(tensor, true)
  return tensor
}

function network(): NetworkHandle {
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

const BATCHES = {
  sampleShape: [1, 3, 3],
  targetShape: [],
  targetDtype: 'int64',
  mean: [],
  std: [],
  ahead: 2,
} as const

/** Of a reading that has begun, and that nobody goes on with. */
const queue = await new Promise<BatchQueueHandle>((resolve) => {
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
const ALONE = { rank: 0, worldSize: 1, address: '127.0.0.1', port: await freePort() }
const group = (await addon.processGroupStart(ALONE).promise)!

/** Six halves, coded. */
const [CODED] = (await addon.codedEncodeStart('compact', [
  { name: 'tensor', values: floats(2, 3), keep: bools(2, 3) },
]).promise)! as [Uint8Array]

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
    else if (kind === 'lease') addon.leaseEnd(each as LeaseHandle)
    else if (kind === 'optimizer') addon.optimizerDispose(each as OptimizerHandle)
    else if (kind === 'trainer') addon.trainerDispose(each as TrainerHandle)
    else if (kind === 'dataset' || kind === 'folder' || kind === 'packed')
      addon.datasetDispose(each as DatasetHandle)
    else addon.tensorDispose(each as TensorHandle)
  }
  live.clear()
}

const AUGMENT = { crop: { padding: 1 }, flip: true, cutout: 1 }
const IMAGES = { size: 8, resize: 9, mean: [0, 0, 0], std: [1, 1, 1], threads: 1, ahead: 1, exact: true }
const NAMES = ['fc.weight', 'conv.weight'] as const
const TRAINER = {
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
const SPLICING = { groups: [[{ name: 'fc.weight', scale: 1 }]], margin: 0.1, keep: [10] }
const parameter = (): NativeParameter => ({
  name: 'fc.weight',
  network: handle('network'),
  weightDecay: 0.1,
  l1: 0.1,
  l2: 0.1,
})
const listen = () => {}

/** For each function of the addon, arguments that it takes. A new function does not compile without its own. */
export const RIGHT: { readonly [Name in keyof Native]: () => Parameters<Native[Name]> } = {
  initialize: () => [TorchPruneError],
  onWarning: () => [() => {}],
  warn: () => ['a warning'],
  fields: () => [],
  versions: () => [],
  cudaDevices: () => [],
  cudaConfigure: () => [{ benchmark: false }],
  cudaMemory: () => ['cpu'],
  cudaEmptyCache: () => [],
  cudaProperties: () => ['cpu'],
  cudaGraphs: () => [],
  synchronize: () => ['cpu'],
  setJobThreads: () => [1],
  jobThreads: () => [],
  setEagerThreads: () => [1],

  fromBytes: () => [new Uint8Array(8), 'float32', [2], 'cpu'],
  toBytes: () => [handle('tensor')],
  tensorRead: () => [handle('tensor'), 4, new Uint8Array(20)],
  tensorWrite: () => [handle('tensor'), 20, new Uint8Array(4)],
  item: () => [handle('loss')],
  to: () => [handle('tensor'), 'cpu', 'float64'],
  tensorDispose: () => [floats(1)],
  tensorDisposed: () => [handle('tensor')],
  tensorDescribe: () => [handle('tensor')],
  tensorRequiresGrad: () => [handle('tensor')],
  liveTensors: () => [],

  operator: () => ['aten::add', 'Tensor'],
  operatorStart: () => ['aten::add', 'Tensor', handle('tensor'), floats(3)],

  codedEncodeStart: () => ['compact', [{ name: 'tensor', values: handle('tensor'), keep: bools(2, 3) }]],
  codedDecodeStart: () => [
    'compact',
    [{ shape: [2, 3], dtype: 'float32', masked: true }],
    [{ bytes: CODED, start: 10 }],
  ],

  backward: () => [handle('loss'), undefined, { retainGraph: true, createGraph: false }],
  gradient: () => [handle('leaf')],
  setGradient: () => [handle('leaf'), handle('tensor')],
  setRequiresGrad: () => [handle('leaf'), true],
  registerHook: () => [handle('leaf'), () => undefined],
  setGradEnabled: () => [true],

  manualSeed: () => [1],
  randomState: () => [],
  setRandomState: () => [handle('state')],

  datasetMake: () => [floats(6, 1, 3, 3), labels(6), [], [], 'auto'],
  batchesMake: () => [() => {}, handle('dataset'), BATCHES],
  batchesPut: () => [queue, floats(2, 1, 3, 3), labels(2)],
  batchesEnd: () => [queue, 'no more'],
  datasetDispose: () => [handle('dataset')],
  datasetSlice: () => [handle('dataset'), 1, 3],
  datasetTargets: () => [handle('dataset')],
  lossCheck: () => [{ kind: 'crossEntropy', weight: [1, 2, 1] }, [3], handle('dataset'), 'it'],
  datasetCheckAugmentation: () => [handle('dataset'), AUGMENT],
  datasetNonFinite: () => [handle('dataset')],
  datasetBatch: () => [handle('dataset'), [0, 1], 'cpu'],
  datasetRead: () => [
    handle('dataset'),
    [0, 1],
    { augment: AUGMENT, seed: 1, device: 'cpu', onTensors: true },
  ],
  datasetCheck: () => [handle('packed'), { augment: { flip: true }, batchSize: 2 }, listen],
  datasetSkipped: () => [handle('folder')],
  jpegLibrary: () => [],
  setForeignDecoder: () => [(id) => addon.foreignDecoded(id, new Uint8Array(60 * 45 * 3), 60, 45, 3)],
  foreignDecoded: () => [1, new Uint8Array(12), 2, 2, 3] as unknown as [number, string],
  filesMake: () => [],
  filesAdd: () => [addon.filesMake(), paths(PICTURE), new Int32Array(1)],
  imageFolderMake: () => [files(PICTURE, PICTURE), { ...IMAGES }],
  packedMake: () => [PACK, { index: PACK_INDEX, count: 1, classes: 1 }, { ...IMAGES }],
  packStart: () => [files(PICTURE), { out: OUT, offset: 64, resize: 8, threads: 1 }, listen],
  imagesDecode: () => [files(PICTURE, '.'), { width: 60, height: 45, threads: 1 }, listen],

  networkMake: () => [LAYERS, 1, 'cpu'],
  networkDraw: () => [addon.networkMake(LAYERS, 1, 'cpu')],
  networkDrawStart: () => [addon.networkMake(LAYERS, 1, 'cpu')],
  networkDispose: () => [handle('network')],
  networkForward: () => [handle('network'), handle('image'), true],
  networkMasks: () => [handle('spliced')],
  networkNonFinite: () => [handle('network')],
  tensorNonFinite: () => [handle('tensor')],
  networkTensors: () => [handle('network')],
  networkTensor: () => [handle('network'), 'fc.weight'],
  networkSnapshot: () => [handle('network'), 'fc.weight'],
  networkMask: () => [handle('network'), 'fc.weight'],
  networkPutStart: () => [
    handle('network'),
    [{ name: 'fc.bias', values: floats(3) }],
    [
      { name: 'fc.weight', kind: 'sealed', keep: floats(3, 8) },
      { name: 'conv.weight', kind: 'spliced' },
    ],
  ],
  networkParametrizations: () => [handle('spliced')],
  networkUnsealedStart: () => [handle('network')],
  networkSetTrainable: () => [handle('network'), 'conv', false],
  networkFrozenPrefix: () => [handle('network')],
  networkSetDropout: () => [handle('network'), 'drop', 0.5],
  networkReseed: () => [handle('network'), 1],
  networkRandomState: () => [handle('network')],
  networkSetRandomState: () => [handle('network'), addon.networkRandomState(handle('network'))],
  networkToStart: () => [handle('network'), 'cpu'],
  networkFormat: () => [handle('network')],
  networkFormatStart: () => [handle('network'), 'channelsLast'],

  optimizerMake: () => [ADAM, [parameter(), { name: 'own', tensor: handle('leaf') }]],
  optimizerDispose: () => [handle('optimizer')],
  optimizerStep: () => [handle('optimizer'), 0.1],
  optimizerZeroGrad: () => [handle('optimizer')],
  optimizerState: () => [handle('optimizer')],
  optimizerLoadStart: () => [
    handle('optimizer'),
    [{ name: 'fc.weight', steps: 1, moments: { momentum_buffer: floats(3, 8) } }],
  ],

  leaseTake: () => [
    'train()',
    network(),
    [addon.datasetMake(floats(6, 1, 3, 3), labels(6), [], [], 'auto')],
    [floats(2, 3)],
  ],
  leaseWait: () => [handle('lease')],
  leaseEnd: () => [addon.leaseTake('train()', network(), [], [])],

  processGroupStart: () => [{ ...ALONE, listen: true, prefix: '1', connectTimeout: 0.1, timeout: 1 }],
  processGroupCompare: () => [group, { recipe: 'lenet-5' }],
  processGroupShare: () => [group, 'a text'],
  processGroupInterrupt: () => [group],

  trainerMake: () => [handle('network'), handle('optimizer'), handle('dataset'), TRAINER],
  trainerRun: () => [
    handle('trainer'),
    {
      rates: new Float64Array([0.1, 0.1, 0.1]),
      seed: 1,
      order: [0, 1, 2],
      size: [3, 3],
      averageWeights: new Float64Array([0, 0.5]),
      steps: 1,
      pauseAfter: 10,
    },
    listen,
  ],
  trainerState: () => [handle('trainer')],
  trainerLoad: () => [
    handle('trainer'),
    { steps: 1, samples: 2, lossSum: 1, lossCount: 2, judged: 2, correct: 1 },
  ],
  trainerDispose: () => [handle('trainer')],
  evaluationStart: () => [
    handle('network'),
    handle('dataset'),
    { batchSize: 2, loss: { kind: 'crossEntropy' }, activations: true },
    listen,
  ],
  predictionStart: () => [handle('network'), handle('dataset'), { batchSize: 2 }, listen],
  prefixStart: () => {
    // Without its dropout, which stands in the part that is kept.
    for (const layer of ['conv', 'bn']) addon.networkSetTrainable(handle('network'), layer, false)
    return [
      handle('network'),
      handle('dataset'),
      { batchSize: 2, augment: AUGMENT, variants: 2, seed: 1, folder: FOLDER },
      listen,
    ]
  },
  statisticsStart: () => [handle('network'), handle('dataset'), { batchSize: 2 }, listen],
  weightStatistics: () => [handle('network'), NAMES],
  pruneThresholds: () => [handle('network'), NAMES, [10, 4]],
  pruneSelect: () => [
    handle('network'),
    [{ name: 'fc.weight', scores: floats(3, 8), initial: 0.5 }],
    {
      kind: 'largest',
      filters: false,
      normalize: 'initial',
      groups: [{ keep: 10, layers: [0] }],
    },
  ],
  spliceOnce: () => [handle('spliced'), SPLICING],
  fisherStart: () => [handle('network'), handle('dataset'), { samples: 4, batchSize: 2, seed: 1 }, NAMES],
  quantizeShare: () => [handle('network'), [{ name: 'fc.weight', values: 4, method: 'best' }]],
  quantizeCounts: () => [handle('network'), [{ name: 'fc.weight', bits: 5 }]],
  networkCodebook: () => [handle('network'), 'fc.weight'],
  filterNorms: () => [handle('network'), NAMES, 2],
  connections: () => [handle('network'), NAMES],
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
