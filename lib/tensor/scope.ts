import { TorchPruneError } from '../base/errors.js'
import { shown } from '../base/shown.js'
import { loadAddon } from '../binding/addon.js'
import { TensorCore } from './core.js'
import { enroll, release, runScope } from './lifetime.js'

/**
 * Runs `body` and disposes of every tensor that it made, except for those in its result: a tensor, or arrays, maps,
 * sets and objects that contain tensors. Scopes nest; what an inner scope returns belongs to the outer one. `body` must
 * be synchronous: for async work, use `using`, or one scope for each synchronous part.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` for an async function.
 */
export function scope<Result>(body: () => Result): Result {
  refuseAsync('scope', body)
  const { result, kept } = runScope(body, (value) => {
    refusePromise('scope', value)
    return tensorsIn(value)
  })
  for (const tensor of kept) enroll(tensor)
  return result
}

/**
 * Takes a tensor, or all tensors in an array or object, out of the scope that they are in. You then have to dispose of
 * them yourself.
 */
export function keep<Value>(value: Value): Value {
  for (const tensor of tensorsIn(value)) release(tensor)
  return value
}

/** The native memory of tensors. */
export const memory = {
  /**
   * Returns the number of tensors that JavaScript holds in this thread, and the bytes of their storages. Shared
   * storages count once.
   */
  liveTensors(): { tensors: number; bytes: number } {
    return loadAddon().liveTensors()
  },
}

/** @throws TorchPruneError `ERR_ARGUMENT` if `body` is not a function, or would continue after `caller` has ended. */
export function refuseAsync(caller: string, body: unknown): void {
  if (typeof body !== 'function') {
    throw new TorchPruneError('ERR_ARGUMENT', `${caller}() takes a function, got ${shown(body)}`)
  }
  if (body.constructor?.name === 'AsyncFunction') throw asyncError(caller)
}

/** Makes the same check for a plain function that turns out to return a promise. */
export function refusePromise(caller: string, result: unknown): void {
  if (!(result instanceof Promise)) return
  // Users should see the error below, not a rejection about a tensor that has been disposed of.
  result.catch(() => {})
  throw asyncError(caller)
}

function asyncError(caller: string): TorchPruneError {
  return new TorchPruneError(
    'ERR_ARGUMENT',
    `${caller}() takes a synchronous function, and this one is async: await outside of it`,
  )
}

function tensorsIn(value: unknown, found = new Set<TensorCore>(), seen = new Set<object>()): Set<TensorCore> {
  if (value instanceof TensorCore) return found.add(value)
  if (typeof value !== 'object' || value === null || seen.has(value) || ArrayBuffer.isView(value))
    return found
  seen.add(value)
  const parts =
    value instanceof Map
      ? [...value.keys(), ...value.values()]
      : value instanceof Set
        ? value
        : Object.values(value)
  for (const part of parts) tensorsIn(part, found, seen)
  return found
}
