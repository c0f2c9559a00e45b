import type { DType } from '../../base/dtype.js'
import type { TensorHandle } from './handles.js'
import type { NativeJob } from './job.js'
import type { NonFinite } from './non_finite.js'

/** An argument of an operator; `undefined` stands for the schema's default. */
export type OperatorArgument =
  | TensorHandle
  | number
  | bigint
  | boolean
  | string
  | undefined
  | readonly (TensorHandle | number | boolean | undefined)[]

/** Tensors: their bytes, operators of libtorch, and random numbers. */
export interface TensorFunctions {
  fromBytes(bytes: ArrayBufferView, dtype: DType, shape: readonly number[], device: string): TensorHandle
  toBytes(tensor: TensorHandle): ArrayBuffer
  /** Copies a range of bytes of a contiguous CPU tensor into an array; `tensorWrite` copies the other way. */
  tensorRead(tensor: TensorHandle, offset: number, bytes: Uint8Array): void
  tensorWrite(tensor: TensorHandle, offset: number, bytes: Uint8Array): void
  /** Its values as they are now; on the CPU they are copied only when either side changes. */
  tensorSnapshot(tensor: TensorHandle): TensorHandle
  /** A copy on the CPU, in row-major order, made beside jobs and sessions. */
  tensorOnHostStart(tensor: TensorHandle): NativeJob<TensorHandle>
  item(tensor: TensorHandle): number | boolean
  to(tensor: TensorHandle, device: string | undefined, dtype: DType | undefined): TensorHandle
  tensorDispose(tensor: TensorHandle): void
  tensorDisposed(tensor: TensorHandle): boolean
  tensorDescribe(tensor: TensorHandle): {
    shape: number[]
    dtype: DType
    device: string
    contiguous: boolean
  }
  liveTensors(): { tensors: number; bytes: number }

  operator(name: string, overload: string): (...values: OperatorArgument[]) => unknown
  /** Runs the operator as a job, outside of autograd. */
  operatorStart(name: string, overload: string, ...values: OperatorArgument[]): NativeJob<unknown>
  tensorNonFinite(tensor: TensorHandle): NativeJob<NonFinite>

  manualSeed(seed: number): void
  randomState(): TensorHandle
  setRandomState(state: TensorHandle): void
}
