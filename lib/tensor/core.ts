import type { DType } from '../base/dtype.js'
import { TorchPruneError } from '../base/errors.js'
import { instance, type Kind } from '../base/kind.js'
import { uncloneable } from '../base/uncloneable.js'
import { loadAddon } from '../binding/addon.js'
import type { TensorHandle } from '../binding/native.js'
import type { Device } from './device.js'
import { type Argument, Holder, invoke, invokeTensor } from './invoke.js'
import { enroll, release } from './lifetime.js'
import type { Tensor } from './tensor.js'

const CLONING = uncloneable('a tensor stays in its thread (send its data() and its shape)')

/**
 * What every tensor has before any operator: a handle of the addon, its description, its end. The operators
 * come by family, each a class over the one before; `Tensor`, the last, is the only one that is made.
 */
export class TensorCore<D extends DType = DType> extends Holder {
  /** @internal */
  readonly cloning = CLONING
  #handle: TensorHandle | undefined
  #described: { readonly shape: readonly number[]; readonly dtype: DType } | undefined

  /** @internal */
  constructor(handle: TensorHandle) {
    super()
    this.#handle = handle
    enroll(this)
  }

  /** The addon's handle. @internal */
  get handle(): TensorHandle {
    return this.handleFor('handle')
  }

  /** The handle, or an error that names the operation that wanted it. @internal */
  handleFor(operation: string): TensorHandle {
    if (this.#handle !== undefined) return this.#handle
    const fix = 'keep it alive for as long as it is used (keep() takes a tensor out of its scope)'
    throw new TorchPruneError('ERR_DISPOSED', `${operation}: this tensor was disposed of: ${fix}`)
  }

  /** The sizes of its dimensions; `[]` for a scalar. */
  get shape(): readonly number[] {
    return this.#describe('shape').shape
  }

  get dtype(): D {
    return this.#describe('dtype').dtype as D
  }

  /** Where its elements are. */
  get device(): Device {
    return loadAddon().tensorDescribe(this.handleFor('device')).device as Device
  }

  /** The number of dimensions. */
  get ndim(): number {
    return this.#describe('ndim').shape.length
  }

  /** The number of elements. */
  get numel(): number {
    return this.#describe('numel').shape.reduce((product, size) => product * size, 1)
  }

  get disposed(): boolean {
    return this.#handle === undefined
  }

  /**
   * Gives the memory back now rather than when the collector comes by. Tensors that share it (views, the
   * graph of autograd) keep it. A second call does nothing; any other use afterwards is `ERR_DISPOSED`.
   */
  dispose(): void {
    if (this.#handle === undefined) return
    loadAddon().tensorDispose(this.#handle)
    this.#handle = undefined
    release(this)
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  /** A tensor of the same class around a handle: families cannot import `Tensor`, which comes after them. @internal */
  protected wrap<R extends DType>(handle: TensorHandle): Tensor<R> {
    return new (this.constructor as new (handle: TensorHandle) => Tensor<R>)(handle)
  }

  /** The result of an operator that takes this tensor first. */
  protected apply<R extends DType>(operator: string, ...values: Argument[]): Tensor<R> {
    return this.wrap(invokeTensor(operator, this, ...values))
  }

  /** The results of an operator that has several. */
  protected applyMany<R extends DType>(operator: string, ...values: Argument[]): Tensor<R>[] {
    const handles = invoke(operator, this, ...values) as TensorHandle[]
    return handles.map((handle) => this.wrap(handle))
  }

  /** The result of an operator that answers with a plain value. */
  protected query<Result extends number | boolean>(operator: string, ...values: Argument[]): Result {
    return invoke(operator, this, ...values) as Result
  }

  /** An operator that writes into this tensor. */
  protected applyInPlace(operator: string, ...values: Argument[]): this {
    // It returns the same tensor in a handle of its own, which would only count as a live one.
    loadAddon().tensorDispose(invokeTensor(operator, this, ...values))
    return this
  }

  // What a handle holds keeps its shape and dtype for life; the device of a network's parameter can change.
  #describe(operation: string): { readonly shape: readonly number[]; readonly dtype: DType } {
    this.#described ??= loadAddon().tensorDescribe(this.handleFor(operation))
    if (this.#handle === undefined) this.handleFor(operation)
    return this.#described
  }
}

/** A tensor as an argument. */
export const tensorKind = instance(TensorCore, 'a tensor') as unknown as Kind<Tensor>
