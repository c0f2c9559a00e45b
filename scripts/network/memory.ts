import { readFileSync, writeFileSync } from 'node:fs'

/** The peak memory of this process since `resetPeakMemory()`, in bytes. */
export function peakMemory(): number {
  // getrusage's figure is not usable, because a child process inherits it.
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  if (kilobytes === undefined) throw new Error('/proc/self/status does not tell the peak of memory')
  return Number(kilobytes) * 1024
}

/** Starts measuring the peak memory anew. */
export function resetPeakMemory(): void {
  writeFileSync('/proc/self/clear_refs', '5')
}
