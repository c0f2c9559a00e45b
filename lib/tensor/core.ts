import type { DType } from '../base/dtype.js'
import { TorchPruneError } from '../base/errors.js'
import { instance, type Kind } from '../base/kind.js'
import { product } from '../base/lists.js'
import { uncloneable } from '../base/uncloneable.js'
import { loadAddon } from '../binding/addon.js'
import type { TensorHandle } from '../binding/native.js'
import type { Device } from './device.js'
import { type Argument, Holder, invoke, invokeTensor } from './invoke.js'
import { enroll, release } from './lifetime.js'
import type { Tensor } from './tensor.js'

const CLONING = uncloneable('a tensor stays in its thread (send its data() and its shape)')

/**
 * What every tensor has before any operator: a handle of the addon, its description, and its disposal. The operators
 * come in families, each a class that extends the previous one; `Tensor`, the last, is the only one that is
 * instantiated.
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

  /** Returns the handle, or throws an error that names the operation that needed it. @internal */
  handleFor(operation: string): TensorHandle {
    if (this.#handle !== undefined) return this.#handle
    const fix = 'keep it alive for as long as it is used (keep() takes a tensor out of its scope)'
    throw new TorchPruneError('ERR_DISPOSED', `${operation}: this tensor was disposed of: ${fix}`)
  }

  /** The sizes of its dimensions; `[]` for a scalar. */
  get shape(): readonly number[] {
    return this.#describe('shape').shape
  }

  /** The type of its elements. */
  get dtype(): D {
    return this.#describe('dtype').dtype as D
  }

  /** The device that holds its elements. */
  get device(): Device {
    return loadAddon().tensorDescribe(this.handleFor('device')).device as Device
  }

  /** The number of dimensions. */
  get ndim(): number {
    return this.#describe('ndim').shape.length
  }

  /** The number of elements. */
  get numel(): number {
    return product(this.#describe('numel').shape)
  }

  /** Whether it has been disposed of. */
  get disposed(): boolean {
    return this.#handle === undefined
  }

  /**
   * Frees the memory now instead of when it is garbage-collected. Tensors that share the memory (views, the graph of
   * autograd) keep it alive. A second call does nothing; any other use afterward throws `ERR_DISPOSED`.
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

  /**
   * Makes a tensor of the same class from a handle. Families cannot import `Tensor`, because it extends them. @internal
   */
  protected wrap<R extends DType>(handle: TensorHandle): Tensor<R> {
    return new (this.constructor as new (handle: TensorHandle) => Tensor<R>)(handle)
  }

  /** The result of an operator whose first argument is this tensor. */
  protected apply<R extends DType>(operator: string, ...values: Argument[]): Tensor<R> {
    return this.wrap(invokeTensor(operator, this, ...values))
  }

  /** The results of an operator that returns several tensors. */
  protected applyMany<R extends DType>(operator: string, ...values: Argument[]): Tensor<R>[] {
    const handles = invoke(operator, this, ...values) as TensorHandle[]
    return handles.map((handle) => this.wrap(handle))
  }

  /** The result of an operator that returns a plain value. */
  protected query<Result extends number | boolean>(operator: string, ...values: Argument[]): Result {
    return invoke(operator, this, ...values) as Result
  }

  /** Runs an operator that writes to this tensor. */
  protected applyInPlace(operator: string, ...values: Argument[]): this {
    // The operator returns the same tensor in a new handle, which would count as another live tensor.
    loadAddon().tensorDispose(invokeTensor(operator, this, ...values))
    return this
  }

  // A handle's shape and dtype never change, but the device of a network's parameter can.
  #describe(operation: string): { readonly shape: readonly number[]; readonly dtype: DType } {
    this.#described ??= loadAddon().tensorDescribe(this.handleFor(operation))
    if (this.#handle === undefined) this.handleFor(operation)
    return this.#described
  }
}

/** The kind of a tensor argument. */
export const tensorKind = instance(TensorCore, 'a tensor') as unknown as Kind<Tensor>
