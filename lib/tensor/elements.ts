import type { DType } from '../base/dtype.js'

/** The floating-point dtypes. */
export type FloatDType = 'float64' | 'float32' | 'float16' | 'bfloat16'
/** The integer dtypes; `bool` is not one. */
export type IntegerDType = 'int64' | 'int32' | 'int16' | 'int8' | 'uint8'

/** The dtype of a quotient: dividing integers or booleans gives float32. */
export type Floated<D extends DType> = D extends FloatDType ? D : 'float32'

/**
 * The typed array that holds the elements of each dtype. JavaScript on Node 20 has no half floats, so `float16` and
 * `bfloat16` are represented by their bits. A `bool` is one byte, 0 or 1.
 */
export interface ElementsByDType {
  float64: Float64Array<ArrayBuffer>
  float32: Float32Array<ArrayBuffer>
  float16: Uint16Array<ArrayBuffer>
  bfloat16: Uint16Array<ArrayBuffer>
  int64: BigInt64Array<ArrayBuffer>
  int32: Int32Array<ArrayBuffer>
  int16: Int16Array<ArrayBuffer>
  int8: Int8Array<ArrayBuffer>
  uint8: Uint8Array<ArrayBuffer>
  bool: Uint8Array<ArrayBuffer>
}
/** The typed array that holds the elements of dtype `D`. */
export type Elements<D extends DType> = ElementsByDType[D]

const ARRAYS: { readonly [D in DType]: new (buffer: ArrayBuffer) => ElementsByDType[D] } = {
  float64: Float64Array,
  float32: Float32Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
}

/** Views `buffer` as the typed array of `dtype`. */
export function elementsOf<D extends DType>(dtype: D, buffer: ArrayBuffer): Elements<D> {
  return new ARRAYS[dtype](buffer)
}

/** The smallest and largest value of each integer dtype. */
export const INTEGER_RANGE: { readonly [D in IntegerDType]: readonly [bigint, bigint] } = {
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  int16: [-32768n, 32767n],
  int8: [-128n, 127n],
  uint8: [0n, 255n],
}

/** Whether a dtype is an integer dtype. */
export function isInteger(dtype: DType): dtype is IntegerDType {
  return Object.hasOwn(INTEGER_RANGE, dtype)
}
