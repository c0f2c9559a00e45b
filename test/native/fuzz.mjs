// Calls every function of the addon with arguments that are right but for some: none may end the process, and
// each error is one line. Run by test/native/misuse.test.ts in a child process.
import fc from 'fast-check'
import { register } from 'tsx/esm/api'

register()
const { loadAddon } = await import('../../lib/binding/addon.ts')
const { TorchPruneError } = await import('../../lib/errors.ts')
const { linear, relu, dropout, batchNorm2d, conv2d, flatten } = await import('../../lib/nn/layers.ts')

const addon = loadAddon()
const RUNS = Number(process.argv[2] ?? 4000)

const layers = [
  { name: 'conv', inputs: ['input'], ...conv2d(1, 2, 2) },
  { name: 'bn', inputs: ['conv'], ...batchNorm2d(2) },
  { name: 'relu', inputs: ['bn'], ...relu() },
  { name: 'flatten', inputs: ['relu'], ...flatten() },
  { name: 'drop', inputs: ['flatten'], ...dropout(0.5) },
  { name: 'fc', inputs: ['drop'], ...linear(8, 3) },
]
const SGD = { kind: 'sgd', fused: true, momentum: 0.9, dampening: 0, nesterov: true }
const ADAM = { kind: 'adamw', fused: false, beta1: 0.9, beta2: 0.99, eps: 1e-8, amsgrad: true }
const floats = (...shape) => {
  const count = shape.reduce((product, size) => product * size, 1)
  return addon.fromBytes(new Float32Array(count).fill(0.5), 'float32', shape, 'cpu')
}
const labels = (count) => addon.fromBytes(new BigInt64Array(count), 'int64', [count], 'cpu')
const leaf = (...shape) => {
  const tensor = floats(...shape)
  addon.setRequiresGrad(tensor, true)
  return tensor
}

// Handles live on from call to call, as a program's do.
const live = new Map()
const MAKERS = {
  tensor: () => floats(2, 3),
  image: () => floats(2, 1, 3, 3),
  leaf: () => leaf(2, 3),
  loss: () => addon.operator('aten::sum', '')(leaf(2, 3)),
  network: () => addon.networkMake(layers, 1),
  optimizer: () => addon.optimizerMake(SGD, [{ name: 'fc.weight', network: handle('network') }]),
  dataset: () => addon.datasetMake(floats(6, 1, 3, 3), labels(6), [], []),
  folder: () => addon.imageFolderMake([PICTURE], labels(1), pictures),
  state: () => addon.randomState(),
}
function handle(kind) {
  if (!live.has(kind)) live.set(kind, MAKERS[kind]())
  return live.get(kind)
}
function disposeAll() {
  for (const [kind, each] of live) {
    const dispose = {
      network: 'networkDispose',
      optimizer: 'optimizerDispose',
      dataset: 'datasetDispose',
      folder: 'datasetDispose',
    }[kind]
    addon[dispose ?? 'tensorDispose'](each)
  }
  live.clear()
}

const parameter = () => ({
  name: 'fc.weight',
  network: handle('network'),
  weightDecay: 0.1,
  l1: 0.1,
  l2: 0.1,
})
const PICTURE = new URL('../golden/images/all/plain.png', import.meta.url).pathname
const augment = { crop: { padding: 1 }, flip: true, cutout: 1 }
const pictures = { size: 8, resize: 9, mean: [0, 0, 0], std: [1, 1, 1], threads: 1, ahead: 1, exact: true }
const names = () => ['fc.weight', 'conv.weight']
/** For each function, arguments that it takes. */
const VALID = {
  synchronize: () => ['cpu'],
  setJobThreads: () => [1],
  fromBytes: () => [new Uint8Array(8), 'float32', [2], 'cpu'],
  toBytes: () => [handle('tensor')],
  item: () => [handle('loss')],
  to: () => [handle('tensor'), 'cpu', 'float64'],
  tensorDispose: () => [floats(1)],
  tensorDisposed: () => [handle('tensor')],
  tensorDescribe: () => [handle('tensor')],
  tensorRequiresGrad: () => [handle('tensor')],
  operator: () => ['aten::add', 'Tensor'],
  backward: () => [handle('loss'), undefined, { retainGraph: true, createGraph: false }],
  gradient: () => [handle('leaf')],
  setGradient: () => [handle('leaf'), handle('tensor')],
  setRequiresGrad: () => [handle('leaf'), true],
  registerHook: () => [handle('leaf'), () => undefined],
  setGradEnabled: () => [true],
  manualSeed: () => [1],
  setRandomState: () => [handle('state')],
  datasetMake: () => [floats(6, 1, 3, 3), labels(6), [], []],
  datasetDispose: () => [handle('dataset')],
  datasetSlice: () => [handle('dataset'), 1, 3],
  datasetBatch: () => [handle('dataset'), [0, 1], 'cpu'],
  datasetRead: () => [handle('dataset'), [0, 1], { augment, seed: 1, device: 'cpu' }],
  datasetCheck: () => [handle('dataset'), { augment, batchSize: 2 }, () => {}],
  datasetSkipped: () => [handle('dataset')],
  setForeignDecoder: () => [() => nothing.at.all],
  foreignDecoded: () => [1, new Uint8Array(12), 2, 2, 3],
  imageFolderMake: () => [[PICTURE, PICTURE], labels(2), { ...pictures }],
  imagesDecode: () => [[PICTURE, '.'], { width: 60, height: 45, threads: 1 }, () => {}],
  packedMake: () => [PICTURE, { index: 64, count: 1, classes: 1 }, { ...pictures }],
  packStart: () => [[PICTURE], [0], { out: '/dev/full', offset: 64, resize: 8, threads: 1 }, () => {}],
  networkMake: () => [layers, 1],
  networkDispose: () => [handle('network')],
  networkForward: () => [handle('network'), handle('image'), true],
  networkTensors: () => [handle('network')],
  networkTensor: () => [handle('network'), 'fc.weight'],
  networkLoad: () => [handle('network'), 'fc.bias', floats(3)],
  networkSetMask: () => [handle('network'), 'fc.weight', floats(3, 8)],
  networkMask: () => [handle('network'), 'fc.weight'],
  networkUnsealed: () => [handle('network')],
  networkSetTrainable: () => [handle('network'), 'conv', false],
  networkSetDropout: () => [handle('network'), 'drop', 0.5],
  networkReseed: () => [handle('network'), 1],
  networkTo: () => [handle('network'), 'cpu'],
  optimizerMake: () => [ADAM, [parameter(), { name: 'own', tensor: handle('leaf') }]],
  optimizerDispose: () => [handle('optimizer')],
  optimizerStep: () => [handle('optimizer'), 0.1],
  optimizerZeroGrad: () => [handle('optimizer')],
  optimizerState: () => [handle('optimizer')],
  optimizerLoad: () => [handle('optimizer'), 'fc.weight', 1, { momentum_buffer: floats(3, 8) }],
  trainingStart: () => [
    handle('network'),
    handle('optimizer'),
    handle('dataset'),
    { batchSize: 2, rates: [0.1], seed: 1, order: [0, 1, 2], keepLosses: true, augment },
    () => {},
  ],
  prefixStart: () => [handle('network'), handle('dataset'), { batchSize: 2, augment, variants: 2, seed: 1 }],
  evaluationStart: () => [handle('network'), handle('dataset'), { batchSize: 2, activations: true }],
  predictionStart: () => [handle('network'), handle('dataset'), { batchSize: 2 }],
  weightStatistics: () => [handle('network'), names()],
  pruneThreshold: () => [handle('network'), names(), [1, 1], 10],
  pruneBelow: () => [handle('network'), names(), [0.1, 0.1], [1, 1]],
  connections: () => [handle('network'), names()],
}

const forged = () => {
  const tensor = handle('tensor')
  const bare = Object.create(Object.getPrototypeOf(tensor))
  return [Object.create(tensor), bare, new Proxy(tensor, {}), { ...tensor }, tensor.constructor]
}
const detached = () => {
  const array = new Uint8Array(8)
  structuredClone(array.buffer, { transfer: [array.buffer] })
  return array
}
const hostile = {
  get length() {
    throw new Error('no length')
  },
  toString() {
    throw new Error('no string')
  },
  get kind() {
    throw new Error('no kind')
  },
}
/** Disposes of every handle as soon as it is looked at, and answers with something that may pass. */
const saboteur = () =>
  new Proxy(
    {},
    {
      get(_, key) {
        disposeAll()
        return { retainGraph: true, createGraph: false, batchSize: 2, rates: [0.1], kind: 'sgd' }[key]
      },
    },
  )

const number = fc.constantFrom(
  0,
  1,
  2,
  3,
  -1,
  -0,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 53,
  1e300,
  1e39,
)
const text = fc.constantFrom(
  '',
  'cpu',
  'cuda',
  'cuda:99',
  'float32',
  'bool',
  'aten::add',
  'fc.weight',
  'fc',
  '__proto__',
  '\0',
)
const junk = fc.oneof(
  number.map((each) => () => each),
  text.map((each) => () => each),
  fc.constantFrom(...Object.keys(MAKERS)).map((kind) => () => handle(kind)),
  fc
    .constantFrom(undefined, null, true, false, 3n, 2n ** 64n, Symbol('s'), [], {}, hostile)
    .map((each) => () => each),
  fc.nat(4).map((i) => () => forged()[i]),
  fc.constantFrom(detached, saboteur),
  fc.constantFrom(
    () => new Uint8Array(new SharedArrayBuffer(8)),
    () => new DataView(new ArrayBuffer(8)),
    () => new Array(2 ** 31),
  ),
  fc.array(fc.oneof(number, text), { maxLength: 4 }).map((each) => () => each),
  fc
    .constantFrom(
      () => 1,
      () => {
        throw new Error('from a function')
      },
      class {},
    )
    .map((each) => () => each),
  fc.anything().map((each) => () => each),
)
const change = fc.record({ at: fc.nat(5), inside: fc.boolean(), key: fc.nat(7), value: junk })

/** The arguments with some replaced, as a whole or in one of their fields. */
function changed(args, changes) {
  const result = [...args]
  for (const { at, inside, key, value } of changes) {
    const old = result[at]
    const fields = inside && typeof old === 'object' && old !== null ? Object.keys(old) : []
    if (fields.length === 0 || ArrayBuffer.isView(old)) {
      result[at] = value()
      continue
    }
    const copy = Array.isArray(old) ? [...old] : { ...old }
    const field = fields[key % fields.length]
    copy[field] =
      typeof copy[field] === 'object' && key > 4
        ? changed([copy[field]], [{ at: 0, inside: true, key: 0, value }])[0]
        : value()
    result[at] = copy
  }
  return result
}

const ends = []
let [refused, accepted] = [0, 0]
function called(what, call) {
  try {
    const result = call()
    accepted++
    if (/^(network|optimizer|dataset)Dispose$/.test(what)) live.clear()
    if (typeof result?.promise?.then === 'function') {
      ends.push(
        result.promise.then(
          () => accepted++,
          (error) => check(what, error),
        ),
      )
    }
    if (what === 'operator') called('an operator', () => result(handle('tensor'), forged()[0]))
  } catch (error) {
    check(what, error)
  }
}
function check(what, error) {
  refused++
  if (error instanceof Error && !/[\n\r]/.test(error.message)) return
  console.log(`${what}: ${error}`)
  process.exitCode = 3
}

const functions = Object.keys(addon).filter((name) => name !== 'initialize' && name !== 'setEagerThreads')
await fc.assert(
  fc.asyncProperty(
    fc.constantFrom(...functions),
    fc.array(change, { maxLength: 3 }),
    async (name, changes) => {
      called(name, () => addon[name](...changed(VALID[name]?.() ?? [], changes)))
      await Promise.all(ends.splice(0))
      addon.setGradEnabled(true)
      addon.setJobThreads(1)
    },
  ),
  { numRuns: RUNS },
)

// Options that dispose of what the call is about.
for (const name of functions) {
  for (const at of [0, 1, 2, 3]) {
    called(name, () =>
      addon[name](...changed(VALID[name]?.() ?? [], [{ at, inside: false, key: 0, value: saboteur }])),
    )
    await Promise.all(ends.splice(0))
  }
}

// Functions on another `this`, handles made by hand, error classes that are none.
for (const name of functions)
  called(name, () => Reflect.apply(addon[name], forged()[1], VALID[name]?.() ?? []))
for (const kind of Object.keys(MAKERS)) {
  const Class = handle(kind).constructor
  for (const args of [[], [1], [{}], [handle(kind)]]) {
    called(kind, () => new Class(...args))
    called(kind, () => Reflect.construct(Class, args, Array))
    called(kind, () => Reflect.apply(Class, handle(kind), args))
  }
}
for (const wrong of [
  undefined,
  () => 1,
  class {
    constructor() {
      throw new Error('no error')
    }
  },
  async () => {},
]) {
  called('initialize', () => addon.initialize(wrong))
  called('item', () => addon.item(1))
}
addon.initialize(TorchPruneError)
await Promise.all(ends)

// After all that, it still works.
live.clear()
const result = await addon.trainingStart(...VALID.trainingStart()).promise
console.log(
  JSON.stringify({ steps: result.steps, refused: refused > RUNS / 3, accepted: accepted > RUNS / 10 }),
)
