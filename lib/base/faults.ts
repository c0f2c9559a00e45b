import { TorchPruneError } from './errors.js'

/** Faults over so many, or so many characters, are counted, not said. */
const MOST = 10
const MOST_CHARACTERS = 800

/** All that is wrong with what a user gave, in one error on one line. */
class SeveralFaults extends TorchPruneError {
  constructor(readonly parts: readonly TorchPruneError[]) {
    const [first] = parts as [TorchPruneError, ...TorchPruneError[]]
    // Each begins with the name of the same call, which is said once.
    const caller = /^[\w.]+: /.exec(first.message)?.[0] ?? ''
    const said = parts.map(({ message }, i) =>
      i > 0 && message.startsWith(caller) ? message.slice(caller.length) : message,
    )
    super(first.code, joined(said))
  }
}

/** What an error says is wrong, each by itself. */
export function partsOf(error: TorchPruneError): readonly TorchPruneError[] {
  return error instanceof SeveralFaults ? error.parts : [error]
}

/** Faults on one line, parted by `; `. Of many, or long ones, the first are said and the others counted. */
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

/** Collects what is wrong, so that users learn of all of it at once. */
export class Faults {
  readonly #found: TorchPruneError[] = []

  add(fault: TorchPruneError): void {
    for (const part of partsOf(fault)) this.#found.push(part)
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
