import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as library from '../../lib/index.js'

const { Dataset, network, ones, prune, randn, tensor, zeros, nn, optim } = library
const { add, flatten, linear, relu } = nn
const { adam, cosine, ema, l2, sgd } = optim

/** Arguments that a call accepts, made anew for each: fuzzing spoils one of them. */
export type Right = () => readonly unknown[]

/** A folder for what calls write, by paths that start there. */
export const folder = mkdtempSync(join(tmpdir(), 'torch-prune-api-'))
export const file = join(folder, 'network.safetensors')

export const x = () => randn([2, 3])
export const net = () => network([3], { fc1: linear(3, 4), relu1: relu(), fc2: linear(4, 2) })
export const dataset = () => Dataset.from(randn([8, 3]), tensor([0, 1, 0, 1, 0, 1, 0, 1], { dtype: 'int64' }))
const splits = () => ({ train: dataset(), validation: dataset(), test: dataset() })
const optimizer = () => sgd({ lr: 0.01 })
const none: Right = () => []
const one: Right = () => [x()]
const path: Right = () => [file]
const image = () => randn([1, 2, 5, 5])
const training = () => ({
  epochs: 1,
  optimizer: optimizer(),
  batchSize: 4,
  schedule: cosine(),
  regularization: l2(1e-4),
  averaging: ema(),
  signal: new AbortController().signal,
  onProgress: () => {},
})
const retrain = () => ({ epochs: 1, optimizer: optimizer() })
const shape: Right = () => [[2, 3], { dtype: 'float32', device: 'cpu' }]
const like: Right = () => [x(), { dtype: 'float32' }]
const model: Right = () => [{ seed: 0, device: 'cpu', classes: 2 }]
const recipe = () => ({
  name: 'tiny',
  model: net,
  data: async () => splits(),
  dense: { epochs: 1, optimizer: optimizer() },
  prune: { criterion: prune.layerDensity(0.5), retrain: retrain() },
})

/** For each exported function, by its path. A new export without an entry fails the test. */
export const functions: Readonly<Record<string, Right>> = {
  'Dataset.from': () => [x(), tensor([0, 1], { dtype: 'int64' }), { mean: [], std: [] }],
  'optim.Optimizer.of': () => [net(), optimizer(), l2(1e-4)],
  'optim.Optimizer.over': () => [{ w: randn([2], { requiresGrad: true }) }, optimizer()],
  Network: () => [[3], { fc: linear(3, 2) }, { seed: 1, device: 'cpu' }],
  'optim.adam': () => [{ lr: 0.1, betas: [0.9, 0.99] }],
  'optim.adamw': () => [{ lr: 0.1 }],
  'optim.sgd': () => [{ lr: 0.1, momentum: 0.9 }],
  'nn.adaptiveAvgPool2d': () => [2, { from: 'a' }],
  'nn.add': () => ['a', 'b'],
  applyCriterion: () => [net(), prune.layerDensity(0.5), {}],
  arange: () => [1, 5, 2, { dtype: 'float32' }],
  'nn.avgPool2d': () => [2, { stride: 1 }],
  'nn.batchNorm2d': () => [2, { eps: 1e-5 }],
  cat: () => [[x(), x()], 0],
  'optim.constant': none,
  'nn.conv2d': () => [2, 4, 3, { padding: 1, groups: 2 }],
  'optim.cosine': () => [{ warmup: 0.1 }],
  'cuda.isAvailable': none,
  'cuda.deviceCount': none,
  'data.mnist': () => [folder, { validation: 2 }],
  'data.cifar10': () => [folder, { validation: 2 }],
  'data.images': () => [folder, { size: 8 }],
  'data.imageFolder': () => [folder, { size: 8 }],
  'data.imageClasses': () => [folder, { size: 8 }],
  'data.packed': () => [file, { size: 8 }],
  defineRecipe: () => [recipe()],
  'nn.dropout': () => [0.5, { from: 'a' }],
  einsum: () => ['ij,kj->ik', x(), x()],
  'optim.ema': () => [0.9],
  empty: shape,
  emptyLike: like,
  enableGrad: () => [() => 1],
  evaluate: () => [net(), dataset(), { batchSize: 4 }],
  eye: () => [2, 3, { dtype: 'float32' }],
  'nn.flatten': () => [{ from: 'a' }],
  full: () => [[2], 1, { dtype: 'float32' }],
  fullLike: () => [x(), 1, { dtype: 'float32' }],
  'functional.adaptiveAvgPool2d': () => [image(), 2],
  'functional.avgPool2d': () => [image(), 2, { stride: 1 }],
  'functional.batchNorm': () => [x(), { training: true }],
  'functional.binaryCrossEntropyWithLogits': () => [x(), ones([2, 3]), { reduction: 'mean' }],
  'functional.conv2d': () => [image(), randn([3, 2, 3, 3]), randn([3]), { padding: 1 }],
  'functional.crossEntropy': () => [x(), tensor([0, 1], { dtype: 'int64' }), { reduction: 'mean' }],
  'functional.dropout': () => [x(), { p: 0.5 }],
  'functional.embedding': () => [x(), tensor([0, 1], { dtype: 'int64' }), { paddingIndex: 0 }],
  'functional.l1Loss': () => [x(), x(), { reduction: 'sum' }],
  'functional.layerNorm': () => [x(), [3], { eps: 1e-5 }],
  'functional.linear': () => [x(), randn([4, 3]), randn([4])],
  'functional.maxPool2d': () => [image(), 2, { stride: 1 }],
  'functional.mseLoss': () => [x(), x(), { reduction: 'sum' }],
  'functional.nllLoss': () => [x(), tensor([0, 1], { dtype: 'int64' }), { reduction: 'sum' }],
  getRngState: none,
  jobThreads: none,
  keep: one,
  keptWeights: () => [net(), new AbortController().signal],
  'optim.l1': () => [0.1],
  'optim.l2': () => [0.1],
  'nn.linear': () => [3, 2, { bias: true }],
  linspace: () => [0, 1, 3, { dtype: 'float32' }],
  loadNetwork: () => [file, { seed: 0 }],
  loadWeights: () => [net(), file],
  'nn.localResponseNorm': () => [3, { alpha: 1 }],
  manualSeed: () => [3],
  'nn.maxPool2d': () => [2, { stride: 1 }],
  'memory.liveTensors': none,
  'models.alexnet': () => [{ classes: 2, hidden: 2, size: 64 }],
  'models.alexnetCaffe': () => [{ classes: 2, hidden: 2 }],
  'models.createModel': () => ['lenet-300-100', { classes: 2 }],
  'models.lenet300100': model,
  'models.lenet300100Dropout': model,
  'models.lenet5': model,
  'models.lenet5Dropout': model,
  'models.resnet18': model,
  'models.resnet18ImageNet': model,
  'models.resnet34': model,
  'models.resnet50': model,
  'models.resnet50ImageNet': model,
  'models.resnet9': model,
  'models.vgg16': () => [{ classes: 2, hidden: 2, size: 32 }],
  'models.vgg16bn': () => [{ classes: 2, hidden: 2, size: 32 }],
  'models.wrn16x2': model,
  'models.wrn40x1': model,
  'models.wrn40x2': model,
  network: () => [[3], { fc: linear(3, 2) }, { seed: 1 }],
  noGrad: () => [() => 1],
  ones: shape,
  onesLike: like,
  operator: () => ['aten::add.Tensor'],
  packImages: () => [folder, join(folder, 'packed'), { resize: 8 }],
  parameterReport: () => [net(), new AbortController().signal],
  predict: () => [net(), dataset(), { batchSize: 4 }],
  'nn.prefix': () => ['block', { a: linear(3, 3), sum: add('a', 'input') }],
  prune: () => [net(), splits(), { criterion: prune.layerDensity(0.5), rounds: 1, retrain: retrain() }],
  'prune.deviation': () => [{ fc1: 1 }, { of: 'initial' }],
  'prune.layerDensity': () => [{ fc1: 0.5 }],
  'prune.globalDensity': () => [0.5, { layers: ['fc1'] }],
  'prune.fisher': () => [0.5, { batches: 1 }],
  'prune.filterNorm': () => [0.5],
  'prune.scores': () => [0.5, ({ weight }: { weight: library.Tensor }) => weight.abs(), { perLayer: true }],
  'prune.splice': () => [
    net(),
    splits(),
    { epochs: 1, optimizer: optimizer(), criterion: prune.layerDensity(0.5) },
  ],
  'prune.spliceOnce': () => [net(), prune.layerDensity(0.5), { margin: 0.1 }],
  'prune.sensitivity': () => [net(), dataset(), { layers: ['fc1'], densities: [0.5] }],
  'prune.solveThresholds': () => [
    net(),
    { points: [], baselineError: 0, layers: [] },
    { budget: { loss: 0.1 } },
    {},
  ],
  'prune.tradeoff': () => [
    {
      model: net,
      data: splits(),
      seeds: [0],
      densities: [0.5],
      dense: { epochs: 1, optimizer: optimizer() },
      retrain: retrain(),
      l1: 1e-5,
      l2: 1e-4,
    },
  ],
  'prune.removeDeadNeurons': () => [net()],
  rand: shape,
  randLike: like,
  randint: () => [0, 3, [2], { dtype: 'int64' }],
  randn: shape,
  randnLike: like,
  randperm: () => [3, { dtype: 'int64' }],
  readSafetensors: () => [file, { only: ['fc1.weight'] }],
  readTensorFile: path,
  'nn.relu': () => [{ from: 'a' }],
  runRecipe: () => [recipe(), { out: join(folder, 'run') }],
  scope: () => [() => 1],
  setEagerThreads: () => [1],
  setJobThreads: () => [1],
  setRngState: () => [library.getRngState()],
  stack: () => [[x(), x()], 0],
  'optim.step': () => [10, 0.1],
  'optim.swa': () => [0.5],
  synchronize: () => ['cpu'],
  tensor: () => [[1, 2], { dtype: 'float32', shape: [2] }],
  train: () => [net(), dataset(), training()],
  versions: none,
  where: () => [ones([2, 3], { dtype: 'bool' }), x(), x()],
  writeSafetensors: () => [join(folder, 'tensors'), { metadata: {}, tensors: new Map() }],
  zeros: shape,
  zerosLike: like,
}

const vector = () => randn([3])
const matrix = () => randn([3, 2])
const index = () => tensor([0, 1], { dtype: 'int64' })
const truth = () => ones([2, 3], { dtype: 'bool' })
const dim: Right = () => [1, { keepdim: true }]
const other: Right = one

/** For each method, those of which the arguments matter. All others take none. */
export const methods: Readonly<Record<string, Readonly<Record<string, Right>>>> = {
  Dataset: {
    slice: () => [1, 2],
    split: () => [2],
    batch: () => [[0, 1], 'cpu'],
    read: () => [[0, 1], { seed: 1 }],
    check: () => [{ batchSize: 2 }],
  },
  Network: {
    to: () => ['cpu'],
    setMemoryFormat: () => ['contiguous'],
    tensor: () => ['fc1.weight'],
    forward: one,
    mask: () => ['fc1'],
    setMask: () => ['fc1', ones([4, 3])],
    splice: () => ['fc1', ones([4, 3])],
    freeze: () => ['fc1'],
    unfreeze: () => ['fc1'],
    dropout: () => ['drop'],
    setDropout: () => ['drop', 0.5],
    reseed: () => [3],
    save: () => [file, { masks: 'none' }],
    stateDict: () => [{ masks: 'none' }],
    loadStateDict: () => [{ 'fc1.weight': ones([4, 3]) }, { strict: false }],
    saveCheckpoint: path,
  },
  'optim.Optimizer': { step: () => [0.1], loadState: () => [new Map()] },
  Tensor: {
    add: () => [x(), { alpha: 1 }],
    sub: () => [x(), { alpha: 1 }],
    div: () => [x(), { rounding: 'floor' }],
    add_: () => [x(), { alpha: 1 }],
    sub_: () => [x(), { alpha: 1 }],
    addcmul: () => [x(), x(), { value: 1 }],
    addcmul_: () => [x(), x(), { value: 1 }],
    lerp: () => [x(), 0.5],
    lerp_: () => [x(), 0.5],
    clamp: () => [0, 1],
    clamp_: () => [0, 1],
    allclose: () => [x(), { rtol: 1 }],
    ...Object.fromEntries(
      ['sum', 'mean', 'std', 'var', 'prod', 'amax', 'amin', 'max', 'min', 'median', 'argmax', 'argmin'].map(
        (name) => [name, dim],
      ),
    ),
    all: dim,
    any: dim,
    logsumexp: dim,
    norm: () => [2, 1, { keepdim: true }],
    topk: () => [1, { dim: 1 }],
    kthvalue: () => [1, 1, { keepdim: true }],
    sort: () => [1, { descending: true }],
    argsort: () => [1, { descending: true }],
    quantile: () => [0.5, 1, { keepdim: true }],
    countNonzero: () => [1],
    cumsum: () => [1],
    cumprod: () => [1],
    reshape: () => [[3, 2]],
    view: () => [[3, 2]],
    flatten: () => [0, 1],
    permute: () => [[1, 0]],
    transpose: () => [0, 1],
    squeeze: () => [0],
    unsqueeze: () => [0],
    expand: () => [[2, 3]],
    repeat: () => [[2, 1]],
    flip: () => [[0]],
    roll: () => [1, 0],
    pad: () => [[1, 1], 0],
    narrow: () => [0, 0, 1],
    slice: () => [0, 0, 1, 1],
    select: () => [0, 0],
    indexSelect: () => [0, index()],
    gather: () => [0, tensor([[0, 1]], { dtype: 'int64' })],
    maskedSelect: () => [truth()],
    maskedFill: () => [truth(), 1],
    maskedFill_: () => [truth(), 1],
    scatter_: () => [0, tensor([[0, 1]], { dtype: 'int64' }), 1],
    indexAdd_: () => [0, index(), x()],
    tril: () => [0],
    triu: () => [0],
    split: () => [1, 0],
    chunk: () => [2, 0],
    unbind: () => [0],
    matmul: () => [matrix()],
    mm: () => [matrix()],
    mv: () => [vector()],
    addmm: () => [x(), zeros([3, 3]), { beta: 1 }],
    leakyRelu: () => [0.1],
    elu: () => [1],
    gelu: () => [{ approximate: 'tanh' }],
    softmax: () => [1],
    logSoftmax: () => [1],
    oneHot: () => [3],
    requiresGrad_: () => [true],
    backward: () => [ones([2, 3]), { retainGraph: true }],
    registerHook: () => [() => undefined],
    to: () => [{ device: 'cpu', dtype: 'float32' }],
    cuda: () => [0],
    uniform_: () => [0, 1],
    normal_: () => [0, 1],
    bernoulli_: () => [0.5],
    fill_: () => [1],
    ...Object.fromEntries(
      ['mul', 'remainder', 'pow', 'maximum', 'minimum', 'mul_', 'div_', 'pow_', 'copy_', 'eq', 'ne', 'lt']
        .concat(['le', 'gt', 'ge', 'logicalAnd', 'logicalOr', 'logicalXor', 'equal', 'bmm', 'dot', 'outer'])
        .map((name) => [name, other]),
    ),
  },
}

/** What a method is called on. */
export const receivers: Readonly<Record<string, () => unknown>> = {
  Dataset: dataset,
  Network: () =>
    network([3], { fc1: linear(3, 4), drop: nn.dropout(0.5), flat: flatten(), fc2: linear(4, 2) }),
  'optim.Optimizer': () => optim.Optimizer.of(net(), adam()),
  Tensor: x,
}
