import { list } from '../base/collection.js'
import { bytesPerElement, type DType } from '../base/dtype.js'
import { TorchPruneError } from '../base/errors.js'
import { whole } from '../base/kind.js'
import { product } from '../base/lists.js'
import { optional, readOptions } from '../base/option.js'
import { loadAddon } from '../binding/addon.js'
import type { TensorHandle } from '../binding/native.js'
import { elementsOf, INTEGER_RANGE, isInteger } from './elements.js'
import { type TensorOptions, tensorOptions } from './factories.js'
import { type Nested, nestedShape, visitNested } from './nested.js'
import type { Shape } from './shape.js'
import { Tensor } from './tensor.js'

/** The typed arrays that tensors are made from. */
export type NumberArray =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  /** The bits of float16 or bfloat16, whichever the dtype says. */
  | Uint16Array

/** What `tensor()` takes. */
export type TensorData = Nested<number> | Nested<bigint> | Nested<boolean> | NumberArray

/** The default dtype of a tensor that is made from `Data`. */
export type DTypeOf<Data> = Data extends Float64Array
  ? 'float64'
  : Data extends Float32Array
    ? 'float32'
    : Data extends Int32Array
      ? 'int32'
      : Data extends Int16Array
        ? 'int16'
        : Data extends Int8Array
          ? 'int8'
          : Data extends Uint8Array | Uint8ClampedArray
            ? 'uint8'
            : Data extends BigInt64Array | Nested<bigint>
              ? 'int64'
              : Data extends Nested<boolean>
                ? 'bool'
                : 'float32'

const fromOptions = { ...tensorOptions, shape: optional(list(whole(), 'an array of sizes')) }

/** The dtype of a typed array. The constructor's name also works for arrays from other realms. */
const ARRAY_DTYPES: Readonly<Record<string, DType>> = {
  Float64Array: 'float64',
  Float32Array: 'float32',
  BigInt64Array: 'int64',
  Int32Array: 'int32',
  Int16Array: 'int16',
  Int8Array: 'int8',
  Uint8Array: 'uint8',
  Uint8ClampedArray: 'uint8',
}

/**
 * Makes a tensor from a copy of numbers, bigints, booleans, nested arrays of them, or a typed array.
 *
 * Without `dtype`, numbers give float32, bigints int64, booleans bool, and a typed array gives its own dtype. `shape`
 * arranges the elements of a typed array, which otherwise gives a vector.
 *
 * @throws TorchPruneError `ERR_SHAPE` for rows of different lengths or a shape that does not fit, `ERR_ARGUMENT` for an
 * element that is not a value of the dtype, `ERR_DTYPE` for an unknown dtype.
 */
export function tensor<D extends DType>(
  data: TensorData,
  options: TensorOptions<D> & { dtype: D; shape?: Shape | undefined },
): Tensor<D>
export function tensor<Data extends TensorData>(
  data: Data,
  options?: TensorOptions<DTypeOf<Data>> & { shape?: Shape | undefined },
): Tensor<DTypeOf<Data>>
export function tensor(
  data: TensorData,
  options?: TensorOptions<DType> & { shape?: Shape | undefined },
): Tensor {
  const { dtype, device = 'cpu', requiresGrad, shape } = readOptions('tensor', fromOptions, options)
  const made = ArrayBuffer.isView(data)
    ? fromTypedArray(data as NumberArray, dtype, shape)
    : fromNested(data, dtype, shape)
  const handle = loadAddon().fromBytes(made.elements, made.dtype, made.shape, device)
  const target = dtype ?? made.dtype
  const result = Tensor.wrap(target === made.dtype ? handle : cast(handle, target))
  return requiresGrad ? result.requiresGrad_() : result
}

interface Staged {
  readonly elements: NumberArray
  /** The dtype of `elements`, from which libtorch casts to the requested one. */
  readonly dtype: DType
  readonly shape: Shape
}

function fromTypedArray(data: NumberArray, dtype: DType | undefined, shape: Shape = [data.length]): Staged {
  const name = data[Symbol.toStringTag]
  const bits = name === 'Uint16Array' && (dtype === 'float16' || dtype === 'bfloat16')
  const own = bits ? dtype : ARRAY_DTYPES[name]
  if (own === undefined) {
    const fix =
      name === 'Uint16Array'
        ? "set dtype to 'float16' or 'bfloat16' if these are bits, otherwise use an Int32Array"
        : `use one of ${Object.keys(ARRAY_DTYPES).join(', ')}`
    throw new TorchPruneError('ERR_ARGUMENT', `tensor: no dtype matches the elements of a ${name}: ${fix}`)
  }
  // The addon reads only plain memory, not memory that another thread may be writing to.
  const elements = data.buffer instanceof SharedArrayBuffer ? data.slice() : data
  return { elements, dtype: own, shape }
}

function fromNested(data: unknown, dtype: DType | undefined, shape: Shape | undefined): Staged {
  const nested = nestedShape(data)
  const wanted = dtype ?? inferred(data)
  const staged = wanted === 'float16' || wanted === 'bfloat16' ? 'float32' : wanted
  const count = product(nested)
  const elements = elementsOf(staged, new ArrayBuffer(count * bytesPerElement[staged]))
  visitNested(data, nested, (value, position, path) => {
    const element = staged.startsWith('float') ? toFloat(value) : toInteger(value, staged)
    if (element === undefined) throw wrongElement(value, path(), wanted)
    elements[position] = (staged === 'int64' ? element : Number(element)) as never
  })
  return { elements, dtype: staged, shape: shape ?? nested }
}

function inferred(data: unknown): DType {
  let first = data
  while (Array.isArray(first)) first = first[0]
  return typeof first === 'bigint' ? 'int64' : typeof first === 'boolean' ? 'bool' : 'float32'
}

function toFloat(value: unknown): number | undefined {
  return typeof value === 'number' || typeof value === 'boolean' ? Number(value) : undefined
}

function toInteger(value: unknown, dtype: DType): bigint | undefined {
  const whole = typeof value === 'bigint' || typeof value === 'boolean' || Number.isSafeInteger(value)
  if (!whole) return undefined
  const integer = BigInt(value as bigint | boolean | number)
  const [least, most] = isInteger(dtype) ? INTEGER_RANGE[dtype] : [0n, 1n]
  return integer >= least && integer <= most ? integer : undefined
}

function wrongElement(value: unknown, path: string, dtype: DType): TorchPruneError {
  const plain = typeof value === 'number' || typeof value === 'boolean' || value === null
  const got = typeof value === 'bigint' ? `${value}n` : plain ? String(value) : `a ${typeof value}`
  return new TorchPruneError('ERR_ARGUMENT', `tensor: ${path} is ${got}, which is not a valid ${dtype}`)
}

function cast(handle: TensorHandle, dtype: DType): TensorHandle {
  const native = loadAddon()
  try {
    return native.to(handle, undefined, dtype)
  } finally {
    native.tensorDispose(handle)
  }
}
