import { TorchPruneError } from './errors.js'
import { type Kind, wrongValue } from './kind.js'
import { type OptionsOf, optional } from './option.js'

/**
 * Accepts an AbortSignal, or an object that behaves like one, such as a polyfill's. As with `fetch`, null means no
 * signal.
 */
const signalKind: Kind<AbortSignal | undefined, AbortSignal> = {
  expected: 'an AbortSignal',
  fits: (value) => typeof value === 'object',
  read(value, name) {
    if (value === null || isSignal(value)) return value ?? undefined
    const { message, code } = wrongValue(name, 'an AbortSignal', value)
    const controller = typeof value === 'object' && isSignal((value as { readonly signal?: unknown }).signal)
    throw new TorchPruneError(code, `${message}: pass ${controller ? 'its' : "an AbortController's"} signal`)
  },
}

function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null) return false
  const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>
  const listens = typeof addEventListener === 'function' && typeof removeEventListener === 'function'
  return typeof aborted === 'boolean' && listens
}

/** The options of `Abortable`, by name. */
export const abortOptions = {
  /**
   * Stops the work after the current step; the promise then rejects with the signal's reason.
   * @default no signal
   */
  signal: optional(signalKind),
}

/** Options for stopping work before it is finished. */
export interface Abortable extends OptionsOf<typeof abortOptions> {}

/** The functions to call when a signal aborts, keyed by signal. */
const listeners = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls `listener` when `signal` aborts, and returns a function that unregisters it. However many jobs share a signal,
 * it gets only one listener from this library, because Node warns of a leak when a target has many.
 */
export function onAbort(signal: AbortSignal | null | undefined, listener: () => void): () => void {
  if (signal == null) return () => {}
  let waiting = listeners.get(signal)
  if (waiting === undefined) {
    waiting = new Set()
    listeners.set(signal, waiting)
  }
  // The same function may be registered twice, and each registration is removed on its own.
  const own = () => listener()
  if (waiting.size === 0) signal.addEventListener('abort', abort)
  waiting.add(own)
  return () => {
    if (waiting.delete(own) && waiting.size === 0) signal.removeEventListener('abort', abort)
  }
}

function abort(this: AbortSignal): void {
  const waiting = listeners.get(this) ?? new Set()
  this.removeEventListener('abort', abort)
  const due = [...waiting]
  waiting.clear()
  for (const listener of due) listener()
}

/** Throws the signal's reason if it has already aborted. */
export function throwIfAborted(signal: AbortSignal | null | undefined): void {
  if (signal?.aborted) throw reasonOf(signal)
}

/** Why a signal aborted. Polyfills may not provide a reason; an AbortError stands in for it. */
export function reasonOf(signal: AbortSignal): unknown {
  return signal.reason === undefined
    ? new DOMException('This operation was aborted', 'AbortError')
    : signal.reason
}

/** Throws `ERR_ARGUMENT` if the value is not a signal. */
export function checkSignal(signal: unknown): asserts signal is AbortSignal | null | undefined {
  if (signal !== undefined) signalKind.read(signal, 'signal')
}
