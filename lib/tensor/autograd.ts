import type { DType } from '../base/dtype.js'
import { TorchPruneError } from '../base/errors.js'
import { boolean } from '../base/kind.js'
import { append } from '../base/lists.js'
import { type OptionsOf, optional, readOptions } from '../base/option.js'
import { loadAddon } from '../binding/addon.js'
import type { TensorHandle } from '../binding/native.js'
import { Activation } from './activation.js'
import { TensorCore, tensorKind } from './core.js'
import { runScope } from './lifetime.js'
import { refuseAsync, refusePromise } from './scope.js'
import type { Tensor } from './tensor.js'

/** Sees a gradient as it passes; a tensor that it returns takes the gradient's place. */
export type GradientHook<D extends DType> = (gradient: Tensor<D>) => Tensor | undefined

/** A registered hook; `remove()`, or the end of its `using`, takes it off. */
export interface Hook extends Disposable {
  remove(): void
}

const backwardOptions = {
  /**
   * Keeps the graph for another `backward()`.
   * @default false, or createGraph
   */
  retainGraph: optional(boolean, false),
  /**
   * Records the computation of the gradients, so that they can be derived in turn.
   * @default false
   */
  createGraph: optional(boolean, false),
}

/** Gradients of tensors. */
export class Differentiable<D extends DType> extends Activation<D> {
  /** Whether operators on it are recorded for `backward()`. */
  get requiresGrad(): boolean {
    return loadAddon().tensorRequiresGrad(this.handleFor('requiresGrad'))
  }

  /**
   * Whether it was made by the user and not by an operator that is recorded: `backward()` fills its `grad`.
   */
  get isLeaf(): boolean {
    return this.query('is_leaf')
  }

  /**
   * Starts or stops the recording of operators on a leaf.
   *
   * @throws TorchPruneError `ERR_DTYPE` unless it is floating, `ERR_ARGUMENT` unless it is a leaf.
   */
  requiresGrad_(requiresGrad = true): this {
    const handle = this.handleFor('requiresGrad_')
    loadAddon().setRequiresGrad(handle, boolean.read(requiresGrad, 'requiresGrad_: requiresGrad'))
    return this
  }

  /** The same elements, outside the graph. */
  detach(): Tensor<D> {
    return this.apply('detach')
  }

  /** The gradient so far, in a new handle at each reading; `undefined` before the first `backward()`. */
  get grad(): Tensor<D> | undefined {
    const handle = loadAddon().gradient(this.handleFor('grad'))
    return handle && this.wrap(handle)
  }

  /** `undefined` clears it: the next `backward()` starts from nothing. */
  set grad(gradient: Tensor | undefined) {
    const given = gradient === undefined ? undefined : tensorKind.read(gradient, 'grad')
    loadAddon().setGradient(this.handleFor('grad'), given?.handleFor('grad'))
  }

  /**
   * Adds the gradients of this tensor, times `gradient`, to the `grad` of every leaf that it was made from.
   *
   * @param gradient of this tensor's shape; may be left out for a tensor of one element.
   * @throws what a hook throws; gradients that came before it stay.
   */
  backward(gradient?: Tensor, options?: OptionsOf<typeof backwardOptions>): void {
    const { retainGraph, createGraph } = readOptions('backward', backwardOptions, options)
    const given = gradient === undefined ? undefined : tensorKind.read(gradient, 'backward: gradient')
    const outer = replacements
    replacements = []
    try {
      loadAddon().backward(this.handleFor('backward'), given?.handleFor('backward'), {
        retainGraph: retainGraph || createGraph,
        createGraph,
      })
    } finally {
      for (const tensor of replacements) tensor.dispose()
      replacements = outer
    }
  }

  /**
   * Calls `hook` with the gradient of this tensor in every `backward()` that reaches it; hooks run in the
   * order of registration, each on what the one before returned. A hook runs in a scope of its own: `keep()`
   * what should outlive it. The tensor holds its hooks, so one that refers to the tensor keeps it from the
   * collector until it is removed.
   *
   * @throws TorchPruneError `ERR_ARGUMENT` unless the tensor requires a gradient.
   */
  registerHook(hook: GradientHook<D>): Hook {
    refuseAsync('registerHook', hook)
    // No closure below may refer to `this`: the tensor holds them, and would never be collected.
    const Class = this.constructor as new (handle: TensorHandle) => Tensor<D>
    const remove = loadAddon().registerHook(this.handleFor('registerHook'), (handle) => {
      const { result, kept } = runScope(
        () => checked(hook(new Class(handle))),
        (returned) => new Set(returned && [returned]),
      )
      append(replacements, kept)
      return result?.handleFor('registerHook')
    })
    return { remove, [Symbol.dispose]: remove }
  }
}

// What hooks return is read by the addon after they end, and is of no use once backward() has.
let replacements: { dispose(): void }[] = []

function checked(returned: unknown): TensorCore | undefined {
  refusePromise('registerHook', returned)
  if (returned === undefined || returned instanceof TensorCore) return returned
  const what = returned === null ? 'null' : `a ${typeof returned}`
  throw new TorchPruneError(
    'ERR_ARGUMENT',
    `a gradient hook returns a tensor or nothing, this one returned ${what}`,
  )
}

/** While it is in force, operators are not recorded. */
export function noGrad(): Disposable
/** Runs `body`, which is synchronous, without recording operators. */
export function noGrad<Result>(body: () => Result): Result
export function noGrad<Result>(body?: () => Result): Disposable | Result {
  return withGrad('noGrad', false, body)
}

/** Undoes `noGrad`, while it is in force. */
export function enableGrad(): Disposable
/** Runs `body`, which is synchronous, with operators recorded, also inside `noGrad`. */
export function enableGrad<Result>(body: () => Result): Result
export function enableGrad<Result>(body?: () => Result): Disposable | Result {
  return withGrad('enableGrad', true, body)
}

function withGrad<Result>(name: string, enabled: boolean, body?: () => Result): Disposable | Result {
  if (body !== undefined) refuseAsync(name, body)
  const native = loadAddon()
  const before = native.setGradEnabled(enabled)
  const restore = () => void native.setGradEnabled(before)
  if (body === undefined) return { [Symbol.dispose]: restore }
  try {
    const result = body()
    refusePromise(name, result)
    return result
  } finally {
    restore()
  }
}
