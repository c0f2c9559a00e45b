import { AsyncLocalStorage } from 'node:async_hooks'

import { TorchPruneError } from './errors.js'

export interface LeaseOptions {
  /** What others are told is using it, such as `train()`. */
  readonly by: string
  /** What nobody else may change, nor read but while the lease is open. */
  readonly owns?: object | undefined
  /** What others may use too, and nobody may dispose of. */
  readonly reads?: readonly object[]
  /** Resolves when others have stopped reading what is owned. */
  readonly quiet?: (() => Promise<void>) | undefined
  readonly onEnd?: (() => void) | undefined
}

const owners = new WeakMap<object, Lease>()
const readers = new WeakMap<object, Set<Lease>>()

/** The lease under which this runs: its own work may do what others may not. */
const current = new AsyncLocalStorage<Lease | undefined>()

/**
 * What work of several steps owns from the first to the last, so that nothing changes between them. Work that it
 * starts, and awaits, runs under its lease; whatever that takes besides is a lease within it.
 */
export class Lease {
  readonly by: string
  readonly #options: LeaseOptions
  readonly #outer: Lease | undefined
  #open = 0

  /** @throws TorchPruneError `ERR_BUSY` when somebody else owns what it is to own. */
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

  /** Whether the work that runs now is this lease's. */
  static holds(resource: object): boolean {
    const owner = owners.get(resource)
    for (let lease = current.getStore(); lease !== undefined; lease = lease.#outer) {
      if (lease === owner) return true
    }
    return false
  }

  /** Runs its work. */
  run<Result>(work: () => Result): Result {
    return current.run(this, work)
  }

  /** Lets others read what it owns, for as long as its work waits. */
  open(): void {
    this.#open++
  }

  async close(): Promise<void> {
    this.#open--
    await this.#options.quiet?.()
  }

  end(): void {
    const { owns, reads = [], onEnd } = this.#options
    if (owns !== undefined) owners.delete(owns)
    for (const resource of reads) readers.get(resource)?.delete(this)
    onEnd?.()
  }

  get isOpen(): boolean {
    return this.#open > 0
  }

  /** Calls back from within work under a lease: whoever is called may read what it owns, as between its steps. */
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

/** Throws `ERR_BUSY` where others own what is to be changed. */
export function refuseOwned(resource: object): void {
  const owner = owners.get(resource)
  if (owner !== undefined && !Lease.holds(resource)) throw busy('network', owner.by)
}

/** Throws `ERR_BUSY` where others own what is to be read, and their work does not wait. */
export function refuseReading(resource: object): void {
  if (!owners.get(resource)?.isOpen) refuseOwned(resource)
}

/** Throws `ERR_BUSY` where work reads what is to be disposed of. */
export function refuseRead(resource: object): void {
  for (const { by } of readers.get(resource) ?? []) throw busy('dataset', by)
}

function busy(what: string, by: string): TorchPruneError {
  return new TorchPruneError('ERR_BUSY', `the ${what} is in use by ${by}: await it, or abort it, first`)
}
