import type { Batch } from '../../lib/data/batches.js'
import * as library from '../../lib/index.js'
import { dataset, file, net, one, path, type Right, x } from './right_values.js'

const { network, ones, randn, tensor, zeros, nn, optim } = library
const { flatten, linear } = nn

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
    map: () => [(batch: Batch) => batch, { ahead: 1 }],
  },
  Network: {
    to: () => ['cpu'],
    setMemoryFormat: () => ['contiguous'],
    tensor: () => ['fc1.weight'],
    forward: one,
    codebook: () => ['fc1'],
    mask: () => ['fc1'],
    setMask: () => ['fc1', ones([4, 3])],
    splice: () => ['fc1', ones([4, 3])],
    freeze: () => ['fc1'],
    unfreeze: () => ['fc1'],
    dropout: () => ['drop'],
    setDropout: () => ['drop', 0.5],
    reseed: () => [3],
    save: () => [file, { masks: 'none' }],
    export: () => [`${file}.onnx`],
    stateDict: () => [{ masks: 'none' }],
    loadStateDict: () => [{ 'fc1.weight': ones([4, 3]) }, { strict: false }],
    saveCheckpoint: path,
    compile: () => [{ batch: 2, forms: ['dense', 'sparse'] }],
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
  'optim.Optimizer': () => optim.Optimizer.of(net(), optim.adam()),
  Tensor: x,
}
