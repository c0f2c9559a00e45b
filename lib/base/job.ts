import { randomUUID } from 'node:crypto'
import { checkSignal, onAbort, reasonOf } from './abort.js'
import { TorchPruneError } from './errors.js'
import type { Lease } from './lease.js'

/**
 * The work of a job: it yields the job's events, returns its result, and stops when the signal aborts. What it passes
 * to `report` along the way becomes the job's `progress`. @internal
 */
export type Work<Event, Result, Progress = never> = (
  signal: AbortSignal,
  report: (progress: Progress) => void,
) => AsyncGenerator<Event, Result, void>

/**
 * The state of a job. It is `'cancelled'` if it was stopped by its signal, by `cancel()`, or by leaving its loop early.
 */
export type JobState = 'running' | 'done' | 'failed' | 'cancelled'

/**
 * Work that has started: a promise of its result that can also be iterated event by event.
 *
 * While nobody iterates over it, it keeps running and stores its events. While it is iterated (`for await`), it waits
 * for its reader between events, so the loop's body may use the objects that it works on. Leaving the loop early stops
 * the work as an AbortSignal would. It can be iterated once, even after it has ended. Whoever iterates over it gets its
 * failure thrown there; otherwise it rejects like any promise.
 *
 * Functions that return a job throw synchronously for wrong arguments, at the call; async functions, which return a
 * promise, reject. Both reject for anything that goes wrong later, and for a network that is in use.
 */
export class Job<Event, Result, Progress = never> implements Promise<Result>, AsyncIterable<Event> {
  readonly [Symbol.toStringTag] = 'Job'
  /** A unique ID among all jobs of all processes (a UUID). */
  readonly id: string = randomUUID()
  readonly #controller = new AbortController()
  readonly #result: Promise<Result>
  readonly #events: Event[] = []
  #followed = false
  /** Whether the reader has taken all events and is asking for the next one. */
  #wanted = false
  #state: JobState = 'running'
  #progress: Progress | undefined
  #waiting: (() => void)[] = []

  /**
   * @param take acquires what the work owns from its first step to its last
   * @internal
   */
  constructor(work: Work<Event, Result, Progress>, signal?: AbortSignal | null, take?: () => Lease) {
    checkSignal(signal)
    this.#result = this.#hold(work, signal, take)
  }

  /** Called by `await`: resolves to the result, or rejects with what the work threw. */
  // biome-ignore lint/suspicious/noThenProperty: a job is a promise, and that is its point
  then<A = Result, B = never>(
    onFulfilled?: ((result: Result) => A | PromiseLike<A>) | null,
    onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#result.then(onFulfilled, onRejected)
  }

  /** Handles the rejection, like that of any promise. */
  catch<B = never>(onRejected?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<Result | B> {
    return this.#result.catch(onRejected)
  }

  /** Runs a function at the end, like that of any promise. */
  finally(onFinally?: (() => void) | null): Promise<Result> {
    return this.#result.finally(onFinally)
  }

  /** Whether it is running or how it ended. */
  get state(): JobState {
    return this.#state
  }

  /** The latest progress that the work reported; undefined until it has reported something. */
  get progress(): Progress | undefined {
    return this.#progress
  }

  /**
   * Stops the job after its current step. The promise then rejects with `reason`. A job that has already ended stays as
   * it is.
   *
   * @param reason what the promise rejects with; defaults to an AbortError
   * @default an AbortError
   */
  cancel(reason: unknown = new DOMException('the job was cancelled', 'AbortError')): void {
    if (this.#state === 'running') this.#abort(reason)
  }

  /** The result alone, as a plain promise. */
  result(): Promise<Result> {
    return this.#result
  }

  /** @throws TorchPruneError `ERR_ARGUMENT` if it has been iterated before. */
  [Symbol.asyncIterator](): AsyncGenerator<Event, void, void> {
    if (this.#followed) {
      throw new TorchPruneError(
        'ERR_ARGUMENT',
        'a job can be iterated only once: start another one, or await this one for its result',
      )
    }
    this.#followed = true
    // Whoever iterates already sees the error; only those who also await the result should see it again.
    this.#result.catch(() => {})
    return this.#follow()
  }

  async #hold(
    work: Work<Event, Result, Progress>,
    outer: AbortSignal | null | undefined,
    take: (() => Lease) | undefined,
  ): Promise<Result> {
    if (outer?.aborted) this.#controller.abort(reasonOf(outer))
    const ignore = onAbort(outer, () => this.#abort(reasonOf(outer!)))
    let lease: Lease | undefined
    try {
      this.#controller.signal.throwIfAborted()
      lease = take?.()
      const result = await (lease ? lease.run(() => this.#run(work, lease)) : this.#run(work))
      this.#state = 'done'
      return result
    } catch (error) {
      const { aborted, reason } = this.#controller.signal
      this.#state = aborted && error === reason ? 'cancelled' : 'failed'
      throw error
    } finally {
      ignore()
      lease?.end()
      this.#change()
    }
  }

  async #run(work: Work<Event, Result, Progress>, lease?: Lease): Promise<Result> {
    const { signal } = this.#controller
    // The caller gets the job before any of its callbacks run.
    await undefined
    const generator = work(signal, (progress) => {
      this.#progress = progress
    })
    let step = await generator.next()
    while (!step.done) {
      this.#events.push(step.value)
      this.#wanted = false
      this.#change()
      await this.#follower(lease)
      step = signal.aborted ? await generator.throw(signal.reason) : await generator.next()
    }
    return step.value
  }

  /** Waits until whoever iterates asks for the next event. */
  async #follower(lease?: Lease): Promise<void> {
    if (!this.#followed) return
    lease?.open()
    while (!this.#wanted && !this.#controller.signal.aborted) await this.#changed()
    await lease?.close()
  }

  async *#follow(): AsyncGenerator<Event, void, void> {
    try {
      for (;;) {
        while (this.#events.length > 0) yield this.#events.shift()!
        if (this.#state !== 'running') {
          await this.#result
          return
        }
        this.#wanted = true
        this.#change()
        await this.#changed()
      }
    } finally {
      if (this.#state === 'running') {
        this.#abort(new DOMException('the job was left before its end', 'AbortError'))
        await this.#result.catch(() => {})
      }
    }
  }

  #abort(reason: unknown): void {
    this.#controller.abort(reason)
    this.#change()
  }

  /** Resolves when the work or its reader has moved on. */
  #changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #change(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

/** A listener that stores a job's progress and passes it on to the user's listener. @internal */
export function telling<Progress>(
  report: (progress: Progress) => void,
  listener: ((progress: Progress) => unknown) | undefined,
): (progress: Progress) => unknown {
  return (progress) => {
    report(progress)
    return listener?.(progress)
  }
}
