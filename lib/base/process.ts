import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** Distinguishes a process from every other one, including those that later get the same number. */
export interface ProcessMark {
  /** The process ID. */
  readonly pid: number
  /** The name of the machine. */
  readonly host: string
  /** Identifies the boot of a machine and the container on it: processes there see each other. Empty if unknown. */
  readonly place: string
  /** When the process began, in clock ticks since the machine booted. Empty if unknown. */
  readonly born: string
}

/** The mark of the current process. */
export function thisProcess(): ProcessMark {
  const place = orNothing(() => {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`
  })
  return { pid: process.pid, host: hostname(), place, born: birthOf(process.pid) }
}

/** Whether a process is running; undefined if it cannot be seen from here. */
export function isRunning({ pid, host, place, born }: ProcessMark): boolean | undefined {
  const here = thisProcess()
  if (host !== here.host || place !== here.place) return undefined
  try {
    process.kill(pid, 0)
  } catch (cause) {
    // EPERM means that the process exists but belongs to another user.
    if ((cause as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return birthOf(pid) === born
}

function birthOf(pid: number): string {
  return orNothing(() => {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The process name before this may contain blanks and parentheses.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  })
}

function orNothing(ask: () => string): string {
  try {
    return ask()
  } catch {
    return ''
  }
}
