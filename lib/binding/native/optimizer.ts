import type { NetworkHandle, OptimizerHandle, TensorHandle } from './handles.js'
import type { NativeJob } from './job.js'

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

/** Optimizers. */
export interface OptimizerFunctions {
  optimizerMake(spec: object, parameters: readonly NativeParameter[]): OptimizerHandle
  optimizerDispose(optimizer: OptimizerHandle): void
  optimizerStep(optimizer: OptimizerHandle, lr: number): void
  optimizerZeroGrad(optimizer: OptimizerHandle): void
  optimizerState(
    optimizer: OptimizerHandle,
  ): { name: string; steps: number; moments: Record<string, TensorHandle> }[]
  optimizerLoadStart(
    optimizer: OptimizerHandle,
    states: readonly { name: string; steps: number; moments: Record<string, TensorHandle> }[],
  ): NativeJob<void>
}
