import { inspect } from 'node:util'
import { bytesPerElement, type DType, dtypeKind } from '../base/dtype.js'
import { TorchPruneError } from '../base/errors.js'
import { whole } from '../base/kind.js'
import { optional, readOptions } from '../base/option.js'
import { shown } from '../base/shown.js'
import { loadAddon } from '../binding/addon.js'
import type { TensorHandle } from '../binding/native.js'
import { Differentiable } from './autograd.js'
import { type Device, deviceKind, isDevice } from './device.js'
import { type Elements, elementsOf } from './elements.js'
import { EDGE, formatTensor } from './format.js'
import { invokeTensor } from './invoke.js'
import { type Nested, nest } from './nested.js'
import { scope } from './scope.js'

/** In tensors with more elements, only the ends of long dimensions are printed. */
const SHOWN_WHOLE = 200

/**
 * An array of numbers of one dtype on one device. Its operators are PyTorch's, in camelCase, and run immediately on the
 * calling thread. Memory is freed by `dispose()`, by `using`, at the end of a `scope`, or, as a last resort, by the
 * garbage collector, which does not know how large tensors are.
 */
export class Tensor<D extends DType = DType> extends Differentiable<D> {
  /** Makes a tensor from a handle of the addon. @internal */
  static wrap<D extends DType = DType>(handle: TensorHandle): Tensor<D> {
    return new Tensor(handle)
  }

  /** A copy of the elements in row-major order. `float16` and `bfloat16` are returned as their bits. */
  data(): Elements<D> {
    const handle = this.handleFor('data')
    return elementsOf(this.dtype, loadAddon().toBytes(handle))
  }

  /**
   * The elements as nested arrays of numbers (a single number for a scalar); true becomes 1.
   *
   * @throws TorchPruneError `ERR_ARGUMENT` for an int64 that does not fit into a JavaScript number: use `data()`.
   */
  toArray(): Nested<number> {
    this.handleFor('toArray')
    const half = this.dtype === 'float16' || this.dtype === 'bfloat16'
    if (!half) return nest(Array.from(this.data(), exactNumber), this.shape)
    using wide = this.detach().float()
    return nest(Array.from(wide.data()), this.shape)
  }

  /**
   * The element of a tensor that has only one; true becomes 1.
   *
   * @throws TorchPruneError `ERR_SHAPE` if it has none or several, `ERR_ARGUMENT` for an int64 that does not fit into a
   * JavaScript number: use `data()`.
   */
  item(): number {
    const value = loadAddon().item(this.handleFor('item'))
    if (this.dtype !== 'int64' || Number.isSafeInteger(value)) return Number(value)
    // The addon's number is rounded; the bigint tells whether it is exact.
    return exactNumber((this.data() as BigInt64Array)[0]!)
  }

  /**
   * Moves the tensor to a device, converts it to a dtype, or both. If nothing changes, the result is a second handle to
   * the same tensor.
   *
   * @throws TorchPruneError `ERR_DEVICE` if there is no such device.
   */
  to<E extends DType>(dtype: E): Tensor<E>
  to(device: Device): Tensor<D>
  to<E extends DType = D>(options: { device?: Device | undefined; dtype?: E | undefined }): Tensor<E>
  to(target: DType | Device | { device?: Device | undefined; dtype?: DType | undefined }): Tensor {
    const { device, dtype } = typeof target === 'string' ? named(target) : readOptions('to', place, target)
    return Tensor.wrap(loadAddon().to(this.handleFor('to'), device, dtype))
  }

  /** `to('cpu')`. */
  cpu(): Tensor<D> {
    return this.to('cpu')
  }
  /** Moves the tensor to a CUDA device, by default the first. */
  cuda(index = 0): Tensor<D> {
    return this.to(`cuda:${whole(0, 999).read(index, 'cuda: index')}`)
  }
  /** Converts to float64. */
  double(): Tensor<'float64'> {
    return this.to('float64')
  }
  /** Converts to float32. */
  float(): Tensor<'float32'> {
    return this.to('float32')
  }
  /** Converts to float16. */
  half(): Tensor<'float16'> {
    return this.to('float16')
  }
  /** Converts to bfloat16. */
  bfloat16(): Tensor<'bfloat16'> {
    return this.to('bfloat16')
  }
  /** Converts to int64. */
  long(): Tensor<'int64'> {
    return this.to('int64')
  }
  /** Converts to int32. */
  int(): Tensor<'int32'> {
    return this.to('int32')
  }
  /** Converts to bool: non-zero elements become true. */
  bool(): Tensor<'bool'> {
    return this.to('bool')
  }

  /** Formats the tensor as PyTorch does, with the middle of long dimensions left out. */
  override toString(): string {
    if (this.disposed) return 'tensor(<disposed>)'
    const { shape, dtype, device } = this
    const cut = shape.map((size) => this.numel > SHOWN_WHOLE && size > 2 * EDGE)
    const notes = [
      cut.includes(true) || this.numel === 0 ? `shape=[${shape.join(', ')}]` : '',
      dtype === 'float32' ? '' : `dtype=${dtype}`,
      device === 'cpu' ? '' : `device=${device}`,
      this.requiresGrad ? 'requiresGrad=true' : '',
    ].filter((note) => note !== '')
    const values = scope(() => this.#ends(cut).toArray())
    return formatTensor({ dtype, values, cut, notes })
  }

  /** The tensor without the middle of the dimensions that are shortened. */
  #ends(cut: readonly boolean[]): Tensor {
    return cut.reduce<Tensor>((part, isCut, dim) => {
      if (!isCut) return part
      const ends = [part.narrow(dim, 0, EDGE), part.narrow(dim, -EDGE, EDGE)]
      return Tensor.wrap(invokeTensor('cat', ends, dim))
    }, this.detach())
  }

  [inspect.custom](): string {
    return this.toString()
  }
}

const place = { device: optional(deviceKind), dtype: optional(dtypeKind) }

function named(target: string): { device?: Device; dtype?: DType } {
  if (Object.hasOwn(bytesPerElement, target)) return { dtype: target as DType }
  if (isDevice(target)) return { device: target }
  const dtypes = Object.keys(bytesPerElement).join(', ')
  throw new TorchPruneError(
    'ERR_ARGUMENT',
    `to: ${shown(target)} is neither a device ('cpu', 'cuda', 'cuda:N') nor a dtype (${dtypes})`,
  )
}

/** Converts an int64 from native code to a number; throws `ERR_ARGUMENT` if it does not fit. */
function exactNumber(value: number | bigint): number {
  const number = Number(value)
  if (typeof value === 'number' || Number.isSafeInteger(number)) return number
  throw new TorchPruneError(
    'ERR_ARGUMENT',
    `the int64 ${value} does not fit a JavaScript number: read it as a bigint with data()`,
  )
}
