import { whole } from '../base/kind.js'
import { loadAddon } from './addon.js'

/** Threads that jobs compute with from the next one on. Cores − 1 unless set, so that a service stays awake. */
export function setJobThreads(threads: number): void {
  loadAddon().setJobThreads(whole(1).read(threads, 'setJobThreads: threads'))
}

export function jobThreads(): number {
  return loadAddon().jobThreads()
}

/**
 * Threads of eager operators, on the thread that calls them. Their pool competes with the jobs': libgomp lets
 * threads wait idly only while all pools together fit the cores, so a program that computes in jobs sets 1.
 */
export function setEagerThreads(threads: number): void {
  loadAddon().setEagerThreads(whole(1).read(threads, 'setEagerThreads: threads'))
}

/** For a program that computes in jobs alone: they get these threads, and no other pool keeps them from the cores. */
export function computeInJobs(threads: number): void {
  setJobThreads(threads)
  setEagerThreads(1)
}
