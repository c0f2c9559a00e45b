import type { TensorInfo } from './description.js'
import type { SparseRows } from './matrix.js'
import { type Rows, rowsOf } from './plan.js'

/** Elements of the types other than float32. */
export type CodedArray = Float32Array | BigInt64Array | Int32Array | Int16Array | Int8Array | Uint8Array

/** A tensor of a coded file. Where it has zeros, it is held as compressed rows of what is not. */
export class CodedTensor implements TensorInfo {
  readonly name: string
  readonly dtype: TensorInfo['dtype']
  readonly shape: readonly number[]
  readonly masked: boolean
  /** The compressed rows; undefined for a tensor that is held in full. A row is an element of the first dimension. */
  readonly sparse: SparseRows | undefined
  readonly #dense: CodedArray | undefined

  /** @internal */
  constructor(info: TensorInfo, held: { readonly sparse: SparseRows } | { readonly dense: CodedArray }) {
    this.name = info.name
    this.dtype = info.dtype
    this.shape = info.shape
    this.masked = info.masked
    this.sparse = 'sparse' in held ? held.sparse : undefined
    this.#dense = 'dense' in held ? held.dense : undefined
  }

  /** All elements in row-major order: a copy where the tensor is held as compressed rows. */
  dense(): CodedArray {
    return this.#dense ?? this.#spread(Float32Array, (at, from, { values }) => [at, values[from]!])
  }

  /** A byte for each element, 1 where the mask keeps it; undefined without a mask. */
  kept(): Uint8Array | undefined {
    if (!this.masked) return undefined
    if (this.#dense !== undefined) return new Uint8Array(this.#dense.length).fill(1)
    return this.#spread(Uint8Array, (at) => [at, 1])
  }

  #spread<T extends Float32Array | Uint8Array>(
    Elements: new (length: number) => T,
    element: (at: number, from: number, sparse: SparseRows) => readonly [number, number],
  ): T {
    const sparse = this.sparse!
    const { rows, columns }: Rows = rowsOf(this)
    const all = new Elements(rows * columns)
    for (let row = 0; row < rows; row++) {
      for (let i = sparse.rowStart[row]!; i < sparse.rowStart[row + 1]!; i++) {
        const [at, value] = element(row * columns + sparse.columns[i]!, i, sparse)
        all[at] = value
      }
    }
    return all
  }
}
