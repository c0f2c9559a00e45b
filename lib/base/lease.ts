import { AsyncLocalStorage } from 'node:async_hooks'

import { TorchPruneError } from './errors.js'

/** What a lease covers. */
export interface LeaseOptions {
  /** The name of the work that uses it, shown to others, such as `train()`. */
  readonly by: string
  /** The object that nobody else may change, and that others may only read while the lease is open. */
  readonly owns?: object | undefined
  /** Objects that others may also use, but that nobody may dispose of. */
  readonly reads?: readonly object[]
  /** Resolves when others have stopped reading the owned object. */
  readonly quiet?: (() => Promise<void>) | undefined
  /** Called when the lease ends. */
  readonly onEnd?: (() => void) | undefined
}

const owners = new WeakMap<object, Lease>()
const readers = new WeakMap<object, Set<Lease>>()

/** The lease under which the current code runs; that lease's own work may do what others may not. */
const current = new AsyncLocalStorage<Lease | undefined>()

/**
 * What multi-step work owns from its first step to its last, so that nothing changes in between. Work that it starts
 * and awaits runs under its lease; anything else that such work takes is a nested lease.
 */
export class Lease {
  /** The name of the work that uses it, shown to others, such as `train()`. */
  readonly by: string
  readonly #options: LeaseOptions
  readonly #outer: Lease | undefined
  #open = 0

  /** @throws TorchPruneError `ERR_BUSY` if somebody else already owns the object. */
  constructor(options: LeaseOptions) {
    this.by = options.by
    this.#options = options
    this.#outer = current.getStore()
    const { owns, reads = [] } = options
    if (owns !== undefined) {
      refuseOwned(owns)
      owners.set(owns, this)
    }
    for (const resource of reads) {
      const known = readers.get(resource) ?? new Set()
      readers.set(resource, known.add(this))
    }
  }

  /** Whether the current code runs under the lease that owns `resource`. */
  static holds(resource: object): boolean {
    const owner = owners.get(resource)
    for (let lease = current.getStore(); lease !== undefined; lease = lease.#outer) {
      if (lease === owner) return true
    }
    return false
  }

  /** Runs the work under this lease. */
  run<Result>(work: () => Result): Result {
    return current.run(this, work)
  }

  /** Lets others read what the lease owns, for as long as its work waits. */
  open(): void {
    this.#open++
  }

  /** Ends an `open()`: resolves when nobody else reads what the lease owns. */
  async close(): Promise<void> {
    this.#open--
    await this.#options.quiet?.()
  }

  /** Gives up everything that the lease covers. */
  end(): void {
    const { owns, reads = [], onEnd } = this.#options
    if (owns !== undefined) owners.delete(owns)
    for (const resource of reads) readers.get(resource)?.delete(this)
    onEnd?.()
  }

  /** Whether others may read what the lease owns. */
  get isOpen(): boolean {
    return this.#open > 0
  }

  /** Runs a user's callback from work under a lease: the callback may read what the work owns, as between its steps. */
  static async callBack<Result>(callback: () => Promise<Result> | Result): Promise<Result> {
    const chain: Lease[] = []
    for (let lease = current.getStore(); lease !== undefined; lease = lease.#outer) chain.push(lease)
    for (const lease of chain) lease.open()
    try {
      return await current.run(undefined, callback)
    } finally {
      for (const lease of chain) await lease.close()
    }
  }
}

/** Throws `ERR_BUSY` if somebody else owns `resource`, which is about to be changed. */
export function refuseOwned(resource: object): void {
  const owner = owners.get(resource)
  if (owner !== undefined && !Lease.holds(resource)) throw busy('network', owner.by)
}

/** Throws `ERR_BUSY` if somebody else owns `resource`, which is about to be read, and their work is not waiting. */
export function refuseReading(resource: object): void {
  if (!owners.get(resource)?.isOpen) refuseOwned(resource)
}

/** Throws `ERR_BUSY` if some work is reading `resource`, which is about to be disposed of. */
export function refuseRead(resource: object): void {
  for (const { by } of readers.get(resource) ?? []) throw busy('dataset', by)
}

function busy(what: string, by: string): TorchPruneError {
  return new TorchPruneError('ERR_BUSY', `the ${what} is in use by ${by}: await it, or abort it, first`)
}
