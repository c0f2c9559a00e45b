import type { AutogradFunctions } from './native/autograd.js'
import type { CodedFunctions } from './native/coded.js'
import type { DataFunctions } from './native/data.js'
import type { EvaluationFunctions } from './native/evaluate.js'
import type { ImageFunctions } from './native/images.js'
import type { InferenceFunctions } from './native/infer.js'
import type { LeaseFunctions } from './native/lease.js'
import type { NetworkFunctions } from './native/network.js'
import type { OptimizerFunctions } from './native/optimizer.js'
import type { ProcessGroupFunctions } from './native/process_group.js'
import type { PruningFunctions } from './native/prune.js'
import type { QuantizingFunctions } from './native/quantize.js'
import type { RuntimeFunctions } from './native/runtime.js'
import type { SplicingFunctions } from './native/splice.js'
import type { TensorFunctions } from './native/tensor.js'
import type { TrainingFunctions } from './native/train.js'

export type * from './native/autograd.js'
export type * from './native/coded.js'
export type * from './native/data.js'
export type * from './native/evaluate.js'
export type * from './native/handles.js'
export type * from './native/images.js'
export type * from './native/infer.js'
export type * from './native/job.js'
export type * from './native/lease.js'
export type * from './native/network.js'
export type * from './native/non_finite.js'
export type * from './native/optimizer.js'
export type * from './native/process_group.js'
export type * from './native/prune.js'
export type * from './native/quantize.js'
export type * from './native/runtime.js'
export type * from './native/splice.js'
export type * from './native/tensor.js'
export type * from './native/train.js'

/**
 * The typed contract of the addon: the functions of each topic stand in a file of `native/`. Handles are opaque, and
 * every function throws TorchPruneError.
 */
export interface Native
  extends RuntimeFunctions,
    TensorFunctions,
    AutogradFunctions,
    DataFunctions,
    ImageFunctions,
    NetworkFunctions,
    OptimizerFunctions,
    LeaseFunctions,
    TrainingFunctions,
    ProcessGroupFunctions,
    EvaluationFunctions,
    PruningFunctions,
    QuantizingFunctions,
    SplicingFunctions,
    CodedFunctions,
    InferenceFunctions {}
