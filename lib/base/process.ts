import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** What tells a process from every other one, also from those that get its number later. */
export interface ProcessMark {
  readonly pid: number
  readonly host: string
  /** Where processes see each other: the boot of a machine, and a container on it. Empty where nothing says so. */
  readonly place: string
  /** When it began, in ticks since the machine did. Empty where nothing says so. */
  readonly born: string
}

export function thisProcess(): ProcessMark {
  const place = orNothing(() => {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`
  })
  return { pid: process.pid, host: hostname(), place, born: birthOf(process.pid) }
}

/** Whether a process runs; undefined where it cannot be seen from here. */
export function isRunning({ pid, host, place, born }: ProcessMark): boolean | undefined {
  const here = thisProcess()
  if (host !== here.host || place !== here.place) return undefined
  try {
    process.kill(pid, 0)
  } catch (cause) {
    // EPERM is of a process that is there, of another user.
    if ((cause as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return birthOf(pid) === born
}

function birthOf(pid: number): string {
  return orNothing(() => {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name before it may hold blanks and parentheses.
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
