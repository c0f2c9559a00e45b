import type { NetworkHandle, OptimizerHandle, TensorHandle } from './handles.js'
import type { NativeJob } from './job.js'

/** The settings of SGD that hold for all its parameters. */
export interface NativeSgd {
  readonly kind: 'sgd'
  readonly fused: boolean
  readonly momentum: number
  readonly dampening: number
  readonly nesterov: boolean
}

/** The settings of Adam or AdamW that hold for all its parameters. */
export interface NativeAdam {
  readonly kind: 'adam' | 'adamw'
  readonly fused: boolean
  readonly betas: readonly [number, number]
  readonly eps: number
  readonly amsgrad: boolean
}

/** A parameter for an optimizer, with its own settings. */
export interface NativeParameter {
  /** The name of the parameter, unique in its optimizer. */
  readonly name: string
  /** The network that `name` is a parameter of; without it, the parameter is `tensor`. */
  readonly network?: NetworkHandle
  /** The parameter itself, if it belongs to no network. */
  readonly tensor?: TensorHandle
  /** Weight decay, of the kind that the optimizer has. */
  readonly weightDecay?: number
  /** Adds `l1 · sign(w)` to the gradient. */
  readonly l1?: number
  /** Adds `l2 · w` to the gradient. */
  readonly l2?: number
  /**
   * A factor of the learning rate.
   * @default 1
   */
  readonly lrFactor?: number
}

/** What an optimizer remembers about a parameter; the moments have PyTorch's names. */
export interface NativeOptimizerState {
  readonly name: string
  readonly steps: number
  readonly moments: Readonly<Record<string, TensorHandle>>
}

/** Optimizers. */
export interface OptimizerFunctions {
  optimizerMake(spec: NativeSgd | NativeAdam, parameters: readonly NativeParameter[]): OptimizerHandle
  optimizerDispose(optimizer: OptimizerHandle): void
  optimizerStep(optimizer: OptimizerHandle, lr: number): void
  optimizerZeroGrad(optimizer: OptimizerHandle): void
  optimizerState(optimizer: OptimizerHandle): NativeOptimizerState[]
  optimizerLoadStart(optimizer: OptimizerHandle, states: readonly NativeOptimizerState[]): NativeJob<void>
}
