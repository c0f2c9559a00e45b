import { kind } from './kind.js'

/** The element types of tensors, by PyTorch's names. */
export type DType =
  | 'float64'
  | 'float32'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint8'
  | 'bool'

/** The size of one element in bytes, by dtype. */
export const bytesPerElement: Record<DType, number> = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
}

/** The kind of a dtype argument. Throws `ERR_DTYPE` for anything else. */
export const dtypeKind = kind<DType>(
  `one of ${Object.keys(bytesPerElement).join(', ')}`,
  (value) => typeof value === 'string' && Object.hasOwn(bytesPerElement, value),
  'ERR_DTYPE',
)
