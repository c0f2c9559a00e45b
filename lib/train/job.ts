import { TorchPruneError } from '../errors.js'

/**
 * Work that can be awaited for its result, or followed event by event. It starts when awaited or iterated.
 * While followed it waits for its reader between events, so the loop's body may use the network. Leaving the
 * loop early stops the work as an AbortSignal would.
 */
export class Job<Event, Result> implements PromiseLike<Result>, AsyncIterable<Event> {
  readonly #generator: AsyncGenerator<Event, Result, void>
  #result: Promise<Result> | undefined

  /** @internal */
  constructor(generator: AsyncGenerator<Event, Result, void>) {
    this.#generator = generator
  }

  // biome-ignore lint/suspicious/noThenProperty: a job is awaited like a promise, and that is its point
  then<A = Result, B = never>(
    onFulfilled?: ((result: Result) => A | PromiseLike<A>) | null,
    onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.result().then(onFulfilled, onRejected)
  }

  /** The result, running the work if nobody follows it. */
  result(): Promise<Result> {
    this.#result ??= this.#drain()
    return this.#result
  }

  async #drain(): Promise<Result> {
    for (;;) {
      const { done, value } = await this.#generator.next()
      if (done) return value
    }
  }

  /** @throws TorchPruneError `ERR_ARGUMENT` when it was followed or awaited before. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Event, void, void> {
    if (this.#result !== undefined) {
      throw new TorchPruneError(
        'ERR_ARGUMENT',
        'a job can be followed once, and before it is awaited: start another one',
      )
    }
    let settle: { resolve(result: Result): void; reject(error: unknown): void } | undefined
    this.#result = new Promise((resolve, reject) => {
      settle = { resolve, reject }
    })
    // Who follows sees the error already; only who also awaits the result should see it again.
    this.#result.catch(() => {})
    let finished = false
    try {
      for (;;) {
        const { done, value } = await this.#generator.next()
        if (done) {
          finished = true
          settle?.resolve(value)
          return
        }
        yield value
      }
    } catch (error) {
      finished = true
      settle?.reject(error)
      throw error
    } finally {
      if (!finished) {
        await this.#generator.return(undefined as never)
        settle?.reject(new DOMException('the job was left before its end', 'AbortError'))
      }
    }
  }
}
