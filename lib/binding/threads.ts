import { loadAddon } from './addon.js'

/** Threads that jobs compute with from the next one on. Cores − 1 unless set, so that a service stays awake. */
export function setJobThreads(threads: number): void {
  loadAddon().setJobThreads(threads)
}

export function jobThreads(): number {
  return loadAddon().jobThreads()
}
