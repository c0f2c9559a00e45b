import { access } from 'node:fs'

/**
 * Asks Node's thread pool for a trifle every second, for as long as the process has other work. glibc before 2.41 can
 * lose a wakeup (its bug 25847): all threads of the pool then sleep beside a full queue, and a read of a file waits
 * forever. The next request wakes one of them, and it takes what is waiting.
 */
export function keepPoolAwake(): void {
  setInterval(() => access('/', () => {}), 1000).unref()
}
