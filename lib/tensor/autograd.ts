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

/** Receives a gradient on its way; if it returns a tensor, that replaces the gradient. */
export type GradientHook<D extends DType> = (gradient: Tensor<D>) => Tensor | undefined

/** A registered hook; `remove()`, or the end of its `using`, unregisters it. */
export interface Hook extends Disposable {
  /** Unregisters the hook. A second call does nothing. */
  remove(): void
}

const backwardOptions = {
  /**
   * Whether to keep the graph for another `backward()`.
   * @default false, or createGraph
   */
  retainGraph: optional(boolean, false),
  /**
   * Whether to record the computation of the gradients, so that they can be differentiated in turn.
   * @default false
   */
  createGraph: optional(boolean, false),
}

/** Tensors with gradients. */
export class Differentiable<D extends DType> extends Activation<D> {
  /** Whether operators on this tensor are recorded for `backward()`. */
  get requiresGrad(): boolean {
    return loadAddon().tensorRequiresGrad(this.handleFor('requiresGrad'))
  }

  /** Whether the user made this tensor, rather than a recorded operator. `backward()` fills in the `grad` of leaves. */
  get isLeaf(): boolean {
    return this.query('is_leaf')
  }

  /**
   * Starts or stops recording the operators on a leaf.
   *
   * @throws TorchPruneError `ERR_DTYPE` if it is not a floating-point tensor, `ERR_ARGUMENT` if it is not a leaf.
   */
  requiresGrad_(requiresGrad = true): this {
    const handle = this.handleFor('requiresGrad_')
    loadAddon().setRequiresGrad(handle, boolean.read(requiresGrad, 'requiresGrad_: requiresGrad'))
    return this
  }

  /** A tensor with the same elements (shared memory), outside the graph. */
  detach(): Tensor<D> {
    return this.apply('detach')
  }

  /** The gradient accumulated so far, in a new handle on each access; `undefined` before the first `backward()`. */
  get grad(): Tensor<D> | undefined {
    const handle = loadAddon().gradient(this.handleFor('grad'))
    return handle && this.wrap(handle)
  }

  /** Sets the gradient. `undefined` clears it, so that the next `backward()` starts from zero. */
  set grad(gradient: Tensor | undefined) {
    const given = gradient === undefined ? undefined : tensorKind.read(gradient, 'grad')
    loadAddon().setGradient(this.handleFor('grad'), given?.handleFor('grad'))
  }

  /**
   * Adds the gradients of this tensor, multiplied by `gradient`, to the `grad` of every leaf that it was computed from.
   *
   * @param gradient has this tensor's shape; it may be left out for a tensor of one element.
   * @throws whatever a hook throws; the gradients that were computed before that are kept.
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
   * Calls `hook` with the gradient of this tensor in every `backward()` that reaches it. Hooks run in the order of
   * registration, and each receives what the previous one returned. A hook runs in a scope of its own, so `keep()`
   * tensors that should outlive it. The tensor holds its hooks, so a hook that refers to the tensor keeps it from being
   * garbage-collected until the hook is removed.
   *
   * @throws TorchPruneError `ERR_ARGUMENT` if the tensor does not require a gradient.
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

// The addon reads the tensors that hooks return after the hooks end; they are of no use once backward() has ended.
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

/** Stops the recording of operators until the result is disposed of, as by `using`. */
export function noGrad(): Disposable
/** Runs `body`, which must be synchronous, without recording operators. */
export function noGrad<Result>(body: () => Result): Result
export function noGrad<Result>(body?: () => Result): Disposable | Result {
  return withGrad('noGrad', false, body)
}

/** Records operators even inside `noGrad`, until the result is disposed of, as by `using`. */
export function enableGrad(): Disposable
/** Runs `body`, which must be synchronous, with operators recorded, even inside `noGrad`. */
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
