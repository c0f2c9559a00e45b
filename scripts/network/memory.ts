import { readFileSync, writeFileSync } from 'node:fs'

/** The most memory that this process has held at once since `resetPeakMemory()`, in bytes. */
export function peakMemory(): number {
  // Not getrusage's figure, which a child inherits.
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  if (kilobytes === undefined) throw new Error('/proc/self/status does not tell the peak of memory')
  return Number(kilobytes) * 1024
}

export function resetPeakMemory(): void {
  writeFileSync('/proc/self/clear_refs', '5')
}
