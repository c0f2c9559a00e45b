import { randomUUID } from 'node:crypto'
import { checkSignal, onAbort, reasonOf } from './abort.js'
import { TorchPruneError } from './errors.js'
import type { Lease } from './lease.js'

/**
 * The work of a job: yields its events, returns its result, and stops when the signal aborts. What it reports on the way
 * is the job's `progress`. @internal
 */
export type Work<Event, Result, Progress = never> = (
  signal: AbortSignal,
  report: (progress: Progress) => void,
) => AsyncGenerator<Event, Result, void>

/** `'cancelled'` when it was stopped by its signal, by `cancel()`, or by leaving its loop early. */
export type JobState = 'running' | 'done' | 'failed' | 'cancelled'

/**
 * Work that has begun: a promise of its result that can also be followed event by event.
 *
 * Until somebody follows it, it runs on and keeps its events. While it is followed (`for await`), it waits for its
 * reader between events, so the loop's body may use what it works on. Leaving the loop early stops the work as an
 * AbortSignal would. It can be followed once, also after its end; whoever follows it is told of its failure there,
 * otherwise it is rejected like any promise.
 *
 * Functions that return a job throw for wrong arguments synchronously, where they are called; async functions, which
 * return a promise, reject. What can go wrong later, and a network that is in use, rejects either.
 */
export class Job<Event, Result, Progress = never> implements Promise<Result>, AsyncIterable<Event> {
  readonly [Symbol.toStringTag] = 'Job'
  /** Its own among all jobs of all processes. */
  readonly id: string = randomUUID()
  readonly #controller = new AbortController()
  readonly #result: Promise<Result>
  readonly #events: Event[] = []
  #followed = false
  /** Whether its reader has taken all events and asks for the next one. */
  #wanted = false
  #state: JobState = 'running'
  #progress: Progress | undefined
  #waiting: (() => void)[] = []

  /**
   * @param take what the work owns from its first step to its last
   * @internal
   */
  constructor(work: Work<Event, Result, Progress>, signal?: AbortSignal | null, take?: () => Lease) {
    checkSignal(signal)
    this.#result = this.#hold(work, signal, take)
  }

  // biome-ignore lint/suspicious/noThenProperty: a job is a promise, and that is its point
  then<A = Result, B = never>(
    onFulfilled?: ((result: Result) => A | PromiseLike<A>) | null,
    onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#result.then(onFulfilled, onRejected)
  }

  catch<B = never>(onRejected?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<Result | B> {
    return this.#result.catch(onRejected)
  }

  finally(onFinally?: (() => void) | null): Promise<Result> {
    return this.#result.finally(onFinally)
  }

  get state(): JobState {
    return this.#state
  }

  /** How far it is, as it last said; undefined before it has said anything. */
  get progress(): Progress | undefined {
    return this.#progress
  }

  /**
   * Stops it after the step that it is in. The promise then rejects with `reason`; a job that has ended stays as it is.
   *
   * @default an AbortError
   */
  cancel(reason: unknown = new DOMException('the job was cancelled', 'AbortError')): void {
    if (this.#state === 'running') this.#abort(reason)
  }

  /** The result alone, as a plain promise. */
  result(): Promise<Result> {
    return this.#result
  }

  /** @throws TorchPruneError `ERR_ARGUMENT` when it was followed before. */
  [Symbol.asyncIterator](): AsyncGenerator<Event, void, void> {
    if (this.#followed) {
      throw new TorchPruneError(
        'ERR_ARGUMENT',
        'a job can be followed once: start another one, or await this one for its result',
      )
    }
    this.#followed = true
    // Who follows sees the error already; only who also awaits the result should see it again.
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
    // Whoever starts a job has it in hand before it calls them back.
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

  /** Waits for whoever follows to ask for the next event. */
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

  /** Resolves when the work or its reader has gone on. */
  #changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #change(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

/** A listener that keeps a job's progress, and hands it on to the user's own. @internal */
export function telling<Progress>(
  report: (progress: Progress) => void,
  listener: ((progress: Progress) => unknown) | undefined,
): (progress: Progress) => unknown {
  return (progress) => {
    report(progress)
    return listener?.(progress)
  }
}
