import type { ComputeOptions } from '../../base/compute.js'
import type { NetworkHandle, SessionHandle, TensorHandle } from './handles.js'
import type { NativeJob } from './job.js'

/** How a network is compiled. */
export interface NativeSessionOptions {
  readonly batch: number
  readonly threads: number
  /** How many calls run at once. */
  readonly concurrency: number
  /** Of one sample. */
  readonly inputShape: readonly number[]
  /** What layers with weights are computed in. */
  readonly autocast?: ComputeOptions['autocast']
  /** Those to choose from, by measuring; none: all of them. A layer for which none goes is dense. */
  readonly forms: readonly string[]
  /** The form of each layer with weights, in order, if it is known: nothing is measured. */
  readonly chosen?: readonly string[] | undefined
  /** Of bytes, by channel; none: samples are floats. */
  readonly mean: readonly number[]
  readonly std: readonly number[]
}

/** The ways to compute a layer with weights. */
export type NativeForm = 'dense' | 'packed' | 'csr' | 'sparse' | 'shared' | 'semi-structured'

/** What was found out about one. */
export interface NativeCompiledLayer {
  readonly name: string
  readonly weights: number
  /** Those that are not zero. */
  readonly kept: number
  readonly form: NativeForm
  /** How long a batch took in each form that was measured: medians, in milliseconds. */
  readonly milliseconds: Readonly<Partial<Record<NativeForm, number>>>
}

/** A network that was compiled. */
export interface NativeSession {
  readonly session: SessionHandle
  /** Of one sample. */
  readonly outputShape: readonly number[]
  readonly layers: readonly NativeCompiledLayer[]
  /** How long a batch takes, the median of a few. */
  readonly milliseconds: number
  /** What the weights take. */
  readonly bytes: number
}

/** A layer with weights as it runs in a session. */
export interface NativeFolded {
  readonly layer: string
  readonly weight: TensorHandle
  readonly bias?: TensorHandle
  /** The normalizations that went into it, in order. */
  readonly affine: readonly string[]
}

/** Compiled networks. */
export interface InferenceFunctions {
  /** The session takes the network's layers over. */
  sessionCompileStart(network: NetworkHandle, options: NativeSessionOptions): NativeJob<NativeSession>
  /** The outputs of whole samples, at most a batch of them. */
  sessionRunStart(session: SessionHandle, samples: Float32Array | Uint8Array): NativeJob<Float32Array>
  /** The same, on this thread. */
  sessionRun(session: SessionHandle, samples: Float32Array | Uint8Array): Float32Array
  sessionFoldedStart(session: SessionHandle): NativeJob<readonly NativeFolded[]>
  sessionDispose(session: SessionHandle): void
}
