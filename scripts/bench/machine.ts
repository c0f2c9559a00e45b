import { availableParallelism, loadavg } from 'node:os'
import { jobThreads } from '../../lib/index.js'
import { findAddon, processorName } from '../../lib/internal.js'

/** Describes the machine that figures are measured on. The load average tells whether it was idle. */
export function describeMachine() {
  return {
    cpu: processorName() ?? 'unknown',
    cores: availableParallelism(),
    serviceThreads: jobThreads(),
    loadBefore: loadavg()[0]!,
    node: process.versions.node,
    libtorch: findAddon().record.libtorch,
  }
}

/** What `describeMachine` returns. */
export type Machine = ReturnType<typeof describeMachine>

/** Prints the machine for people. */
export function printMachine({ cpu, cores, serviceThreads, loadBefore, node, libtorch }: Machine): void {
  console.log(
    `${cpu}, ${cores} cores, load ${loadBefore.toFixed(2)} before the start; Node ${node}, libtorch ${libtorch}, ` +
      `${serviceThreads} thread${serviceThreads === 1 ? '' : 's'} in a service\n`,
  )
}
