import type {
  ImageSettings,
  Native,
  NativeAdam,
  NativeAugmentation,
  NativeLoss,
  NativeMask,
  NativeOptimizerState,
  NativeParameter,
  NativeRanked,
  NativeScored,
  NativeSelection,
  NativeSessionOptions,
  NativeSgd,
  NativeShared,
  NativeSplicing,
} from '../../lib/binding/native.js'
import type { FieldsOf } from './field_types.js'

/** An argument of a function that is an object. */
type Argument<Name extends keyof Native, At extends number> = Exclude<Parameters<Native[Name]>[At], undefined>
type Kinds = NativeLoss | NativeSelection | NativeSgd | NativeAdam
/** The fields of a variant beside its kind. */
type Variant<Kind extends Kinds['kind']> = Omit<Extract<Kinds, { kind: Kind }>, 'kind'>

/**
 * The fields of the objects that the addon reads, as the TypeScript contract has them: by the names of the native
 * tables. Each is held against its interface by the compiler, and against the addon by a test.
 */
export const CONTRACT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  sgd: {
    fused: 'boolean',
    momentum: 'number',
    dampening: 'number',
    nesterov: 'boolean',
  } satisfies FieldsOf<Variant<'sgd'>>,
  adam: {
    fused: 'boolean',
    betas: 'number[2]',
    eps: 'number',
    amsgrad: 'boolean',
  } satisfies FieldsOf<Variant<'adam' | 'adamw'>>,
  parameter: {
    name: 'string',
    weightDecay: 'number?',
    l1: 'number?',
    l2: 'number?',
    lrFactor: 'number?',
    network: 'network?',
    tensor: 'tensor?',
  } satisfies FieldsOf<NativeParameter>,
  optimizerState: {
    name: 'string',
    steps: 'integer',
    moments: 'tensor{}',
  } satisfies FieldsOf<NativeOptimizerState>,

  backward: {
    retainGraph: 'boolean?',
    createGraph: 'boolean?',
  } satisfies FieldsOf<Argument<'backward', 2>>,
  values: { name: 'string', values: 'tensor' } satisfies FieldsOf<Argument<'networkPutStart', 1>[number]>,
  mask: {
    name: 'string',
    kind: "'codebook' | 'rounded' | 'sealed' | 'spliced' | 'none'",
    keep: 'tensor?',
    price: 'number?',
  } satisfies FieldsOf<NativeMask>,

  augment: {
    crop: 'crop?',
    resizedCrop: 'resizedCrop?',
    flip: 'boolean?',
    cutout: 'integer?',
  } satisfies FieldsOf<NativeAugmentation>,
  crop: { padding: 'integer?' } satisfies FieldsOf<Exclude<NativeAugmentation['crop'], undefined>>,
  resizedCrop: {
    scale: 'number[2]',
    ratio: 'number[2]',
  } satisfies FieldsOf<Exclude<NativeAugmentation['resizedCrop'], undefined>>,
  imageSettings: {
    size: 'integer',
    resize: 'integer',
    mean: 'number[]',
    std: 'number[]',
    threads: 'integer',
    ahead: 'integer',
    exact: 'boolean',
    decodeMemory: 'integer?',
  } satisfies FieldsOf<ImageSettings>,
  packedLayout: {
    index: 'integer',
    count: 'integer',
    classes: 'integer',
  } satisfies FieldsOf<Argument<'packedMake', 1>>,
  pack: {
    out: 'string',
    offset: 'integer',
    resize: 'integer',
    threads: 'integer',
    decodeMemory: 'integer?',
  } satisfies FieldsOf<Argument<'packStart', 1>>,
  decode: {
    width: 'integer',
    height: 'integer',
    threads: 'integer',
  } satisfies FieldsOf<Argument<'imagesDecode', 1>>,
  batches: {
    sampleShape: 'shape',
    targetShape: 'shape',
    targetDtype: 'dtype',
    mean: 'number[]',
    std: 'number[]',
    ahead: 'integer',
    batches: 'integer?',
  } satisfies FieldsOf<Argument<'batchesMake', 2>>,
  read: {
    augment: 'augment?',
    seed: 'integer?',
    device: 'device',
    onTensors: 'boolean?',
    batchSize: 'integer?',
  } satisfies FieldsOf<Argument<'datasetRead', 2>>,
  check: {
    batchSize: 'integer',
    augment: 'augment?',
    seed: 'integer?',
  } satisfies FieldsOf<Argument<'datasetCheck', 1>>,

  processGroup: {
    rank: 'integer',
    worldSize: 'integer',
    address: 'string',
    port: 'integer',
    listen: 'boolean?',
    prefix: 'string?',
    connectTimeout: 'number?',
    timeout: 'number?',
    sharedMemory: 'boolean?',
    traits: 'string{}?',
  } satisfies FieldsOf<Argument<'processGroupStart', 0>>,
  trainer: {
    batchSize: 'integer',
    dropLast: 'boolean?',
    loss: 'loss?',
    accumulate: 'integer?',
    clipNorm: 'number?',
    clipValue: 'number?',
    autocast: "'none' | 'bfloat16' | 'float16'?",
    augment: 'augment?',
    after: 'integer?',
    teacherWeight: 'number?',
    temperature: 'number?',
    keepLosses: 'boolean?',
    capture: 'boolean?',
    syncBatchNorm: 'boolean?',
    sparse: "'off' | 'on' | 'auto'?",
    sparseLayers: 'string[]?',
    group: 'processGroup?',
    teacher: 'tensor?',
    averages: 'tensor{}?',
  } satisfies FieldsOf<Argument<'trainerMake', 3>>,
  cuda: {
    tf32: 'boolean?',
    benchmark: 'boolean?',
    deterministic: 'boolean?',
  } satisfies FieldsOf<Argument<'cudaConfigure', 0>>,
  epoch: {
    rates: 'number[]',
    seed: 'integer?',
    order: 'integer[]?',
    size: 'integer[2]?',
    averageWeights: 'number[]?',
    splicing: 'splicing?',
    steps: 'integer?',
    pauseAfter: 'number?',
  } satisfies FieldsOf<Argument<'trainerRun', 1>>,
  position: {
    steps: 'integer',
    samples: 'number',
    lossSum: 'number',
    lossCount: 'number',
    judged: 'number',
    correct: 'number',
    scale: 'number?',
    scaleAge: 'integer?',
  } satisfies FieldsOf<Argument<'trainerLoad', 1>>,
  session: {
    batch: 'integer',
    threads: 'integer',
    concurrency: 'integer',
    inputShape: 'integer[]',
    forms: 'string[]',
    chosen: 'string[]?',
    mean: 'number[]',
    std: 'number[]',
    autocast: "'none' | 'bfloat16' | 'float16'?",
  } satisfies FieldsOf<NativeSessionOptions>,
  evaluation: {
    batchSize: 'integer',
    loss: 'loss?',
    activations: 'boolean?',
    autocast: "'none' | 'bfloat16' | 'float16'?",
  } satisfies FieldsOf<Argument<'evaluationStart', 2>>,
  prediction: {
    batchSize: 'integer',
    autocast: "'none' | 'bfloat16' | 'float16'?",
  } satisfies FieldsOf<Argument<'predictionStart', 2>>,
  prefix: {
    batchSize: 'integer',
    autocast: "'none' | 'bfloat16' | 'float16'?",
    augment: 'augment?',
    seed: 'integer?',
    variants: 'integer?',
    folder: 'string?',
  } satisfies FieldsOf<Argument<'prefixStart', 2>>,
  statistics: {
    batchSize: 'integer',
    autocast: "'none' | 'bfloat16' | 'float16'?",
    dropLast: 'boolean?',
  } satisfies FieldsOf<Argument<'statisticsStart', 2>>,

  crossEntropy: {
    weight: 'number[]?',
    ignoreIndex: 'integer?',
    labelSmoothing: 'number?',
  } satisfies FieldsOf<Variant<'crossEntropy'>>,
  binaryCrossEntropyWithLogits: {
    posWeight: 'number[]?',
  } satisfies FieldsOf<Variant<'binaryCrossEntropyWithLogits'>>,
  mse: {} satisfies FieldsOf<Variant<'mse' | 'l1'>>,
  l1: {} satisfies FieldsOf<Variant<'mse' | 'l1'>>,
  huber: { delta: 'number?' } satisfies FieldsOf<Variant<'huber'>>,

  scored: {
    name: 'string',
    initial: 'number?',
    scores: 'tensor?',
  } satisfies FieldsOf<NativeScored>,
  threshold: {
    thresholds: 'number[]',
    of: "'initial' | 'current' | 'survivors'?",
  } satisfies FieldsOf<Variant<'threshold'>>,
  largest: {
    groups: 'largestGroup[]',
    filters: 'boolean?',
    normalize: "'initial' | 'current' | 'survivors'?",
  } satisfies FieldsOf<Variant<'largest'>>,
  largestGroup: {
    keep: 'integer',
    layers: 'integer[]',
  } satisfies FieldsOf<Variant<'largest'>['groups'][number]>,
  nm: { keep: 'integer', of: 'integer' } satisfies FieldsOf<Variant<'nm'>>,
  splicing: {
    groups: 'ranked[][]',
    margin: 'number',
    keep: 'integer[]',
    steps: 'integer[]?',
  } satisfies FieldsOf<NativeSplicing>,
  ranked: { name: 'string', scale: 'number?' } satisfies FieldsOf<NativeRanked>,
  shared: {
    name: 'string',
    values: 'integer',
    method: "'auto' | 'best' | 'lloyd'?",
  } satisfies FieldsOf<NativeShared>,
  equal: { name: 'string', values: 'integer' } satisfies FieldsOf<Argument<'quantizeEqual', 1>[number]>,
  counted: { name: 'string', bits: 'integer', axis: 'integer' } satisfies FieldsOf<
    Argument<'quantizeCounts', 1>[number]
  >,
  encoded: {
    name: 'string',
    values: 'tensor',
    keep: 'tensor?',
  } satisfies FieldsOf<Argument<'codedEncodeStart', 1>[number]>,
  decoded: {
    shape: 'shape',
    dtype: 'dtype',
    masked: 'boolean',
  } satisfies FieldsOf<Argument<'codedDecodeStart', 1>[number]>,
  block: { bytes: 'bytes', start: 'integer' } satisfies FieldsOf<Argument<'codedDecodeStart', 2>[number]>,
  fisher: {
    samples: 'integer',
    batchSize: 'integer',
    seed: 'integer',
    loss: 'loss?',
  } satisfies FieldsOf<Argument<'fisherStart', 2>>,
}
