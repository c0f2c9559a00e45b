import { TorchPruneError } from './errors.js'

/** Faults beyond this number, or beyond this many characters, are only counted. */
const MOST = 10
const MOST_CHARACTERS = 800

/** Everything that is wrong with the user's input, as one error on one line. */
class SeveralFaults extends TorchPruneError {
  constructor(readonly parts: readonly TorchPruneError[]) {
    const [first] = parts as [TorchPruneError, ...TorchPruneError[]]
    // Each message begins with the name of the same call, which is printed only once.
    const caller = /^[\w.-]+: /.exec(first.message)?.[0] ?? ''
    const said = parts.map(({ message }, i) =>
      i > 0 && message.startsWith(caller) ? message.slice(caller.length) : message,
    )
    super(first.code, joined(said))
  }
}

/** The separate faults that an error reports. */
export function partsOf(error: TorchPruneError): readonly TorchPruneError[] {
  return error instanceof SeveralFaults ? error.parts : [error]
}

/** Faults on one line, separated by `; `. If there are many or long ones, the first are listed and the rest counted. */
export function joined(faults: readonly string[]): string {
  const said: string[] = []
  let characters = 0
  for (const fault of faults.slice(0, MOST)) {
    characters += fault.length
    if (said.length > 0 && characters > MOST_CHARACTERS) break
    said.push(fault)
  }
  const more = faults.length - said.length
  return [...said, ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
}

/** Collects everything that is wrong, so that users learn of all of it at once. */
export class Faults {
  readonly #found: TorchPruneError[] = []

  /** Adds a fault, or each of several faults that are joined in one error. */
  add(fault: TorchPruneError): void {
    for (const part of partsOf(fault)) this.#found.push(part)
  }

  /** Returns what `read` returns. If `read` throws a TorchPruneError, the error is kept and the result is undefined. */
  reading<T>(read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof TorchPruneError)) throw error
      this.add(error)
      return undefined
    }
  }

  /** Throws what was collected: a single fault as it is, several as one error with the code of the first. */
  throwAll(): void {
    const [first, ...others] = this.#found
    if (first === undefined) return
    throw others.length === 0 ? first : new SeveralFaults(this.#found)
  }
}
