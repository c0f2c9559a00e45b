import type { DType } from '../../base/dtype.js'
import type { TensorHandle } from './handles.js'
import type { NativeJob } from './job.js'

/** A tensor that was decoded, and its mask if it has one. */
export interface NativeDecoded {
  readonly values: TensorHandle
  readonly keep?: TensorHandle
  /** How many bits of the blocks both take, fractions included. */
  readonly bits: number
}

/** Coded files: their tensors, in blocks. */
export interface CodedFunctions {
  /** Codes contiguous tensors on the CPU that belong together; the result is their blocks. */
  codedEncodeStart(
    profile: string,
    tensors: readonly {
      readonly name: string
      readonly values: TensorHandle
      readonly keep?: TensorHandle | undefined
    }[],
  ): NativeJob<readonly Uint8Array[]>
  /** Decodes them. The `start` of a block is its place in its file, which errors count from. */
  codedDecodeStart(
    profile: string,
    tensors: readonly {
      readonly shape: readonly number[]
      readonly dtype: DType
      readonly masked: boolean
    }[],
    blocks: readonly { readonly bytes: Uint8Array; readonly start: number }[],
  ): NativeJob<readonly NativeDecoded[]>
}
