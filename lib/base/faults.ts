import { TorchPruneError } from './errors.js'

/** More than this are counted, not said. */
const MOST = 10

/** All that is wrong with what a user gave, in one error on one line. */
class SeveralFaults extends TorchPruneError {
  constructor(readonly parts: readonly TorchPruneError[]) {
    const [first, ...others] = parts as [TorchPruneError, ...TorchPruneError[]]
    // Each begins with the name of the same call, which is said once.
    const caller = /^[\w.]+: /.exec(first.message)?.[0] ?? ''
    const rest = others
      .slice(0, MOST - 1)
      .map(({ message }) => (message.startsWith(caller) ? message.slice(caller.length) : message))
    const more = parts.length > MOST ? [`and ${parts.length - MOST} more`] : []
    super(first.code, [first.message, ...rest, ...more].join('; '))
  }
}

/** Collects what is wrong, so that users learn of all of it at once. */
export class Faults {
  readonly #found: TorchPruneError[] = []

  add(fault: TorchPruneError): void {
    for (const part of fault instanceof SeveralFaults ? fault.parts : [fault]) this.#found.push(part)
  }

  /** What `read` returns; undefined where it refuses, which is kept. */
  reading<T>(read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof TorchPruneError)) throw error
      this.add(error)
      return undefined
    }
  }

  /** Throws what was found: one as it is, several as one error with the code of the first. */
  throwAll(): void {
    const [first, ...others] = this.#found
    if (first === undefined) return
    throw others.length === 0 ? first : new SeveralFaults(this.#found)
  }
}
