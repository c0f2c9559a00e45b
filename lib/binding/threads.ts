import { whole } from '../base/kind.js'
import { loadAddon } from './addon.js'

/**
 * Sets the number of threads that jobs compute with, starting with the next job. It is at least 1.
 * @default the number of cores − 1, so that a service stays responsive
 */
export function setJobThreads(threads: number): void {
  loadAddon().setJobThreads(whole(1).read(threads, 'setJobThreads: threads'))
}

/** The number of threads that jobs compute with. */
export function jobThreads(): number {
  return loadAddon().jobThreads()
}

/**
 * Sets the number of threads of eager operators, which run on the calling thread. It is at least 1. Their pool competes
 * with the jobs' pool: libgomp lets threads wait idly only while all pools together fit the cores, so a program that
 * computes in jobs sets 1.
 */
export function setEagerThreads(threads: number): void {
  loadAddon().setEagerThreads(whole(1).read(threads, 'setEagerThreads: threads'))
}

/**
 * For a program that computes only in jobs: jobs get this many threads, and no other pool keeps them from the cores.
 */
export function computeInJobs(threads: number): void {
  setJobThreads(threads)
  setEagerThreads(1)
}
