import { TorchPruneError } from '../errors.js'

/** Ways to stop work before its end. */
export interface Abortable {
  /** Stops the work after the step it is in; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** What is to be called when a signal aborts, by signal. */
const listeners = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls `listener` when `signal` aborts, and returns a function that calls this off. However much work shares a
 * signal, it has one listener of ours: Node warns of a leak where a target has many.
 */
export function onAbort(signal: AbortSignal | null | undefined, listener: () => void): () => void {
  if (signal == null) return () => {}
  let waiting = listeners.get(signal)
  if (waiting === undefined) {
    waiting = new Set()
    listeners.set(signal, waiting)
  }
  // The same function may be given twice: each is called off by itself.
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

/** Throws the signal's reason where it has aborted already. */
export function throwIfAborted(signal: AbortSignal | null | undefined): void {
  if (signal?.aborted) throw reasonOf(signal)
}

/** Why a signal aborted; polyfills may not say. */
export function reasonOf(signal: AbortSignal): unknown {
  return signal.reason === undefined
    ? new DOMException('This operation was aborted', 'AbortError')
    : signal.reason
}

/** Throws `ERR_ARGUMENT` for what is no signal. What behaves as one, such as a polyfill's, will do. */
export function checkSignal(signal: unknown): asserts signal is AbortSignal | null | undefined {
  if (signal === undefined || signal === null) return
  const { aborted, addEventListener, removeEventListener } = Object(signal) as Partial<AbortSignal>
  const listens = typeof addEventListener === 'function' && typeof removeEventListener === 'function'
  if (typeof aborted === 'boolean' && listens) return
  const got =
    signal instanceof AbortController
      ? 'an AbortController: pass its signal'
      : `${typeof signal === 'object' ? 'an object' : `${typeof signal} ${String(signal).slice(0, 40)}`}: pass an AbortController's signal`
  throw new TorchPruneError('ERR_ARGUMENT', `signal must be an AbortSignal, got ${got}`)
}
