import { SingleBar } from 'cli-progress'

import { printable } from '../base/text.js'
import { formatCount, formatSeconds } from '../report/format.js'

/** Shows people the progress of work. Bars go to stderr, lines to stdout. */
export interface Reporter extends Disposable {
  /**
   * Starts a task of `total` units. If another task is still shown, it ends silently.
   * @param done the number of units that an earlier process has done
   */
  start(task: string, total: number, unit: string, done?: number): void
  /**
   * Shows how many units are done in total, and other fields such as `{ loss: '0.12' }`. A field `rate` replaces units
   * per second. A bar moves by fractions of a unit; a pipe gets one line per unit, or 100 lines if there are more than
   * 1000 units.
   */
  update(done: number, fields?: Readonly<Record<string, string>>): void
  /** Ends the task, and leaves one line: its name with `summary`, or with its last progress. */
  stop(summary?: string): void
  /** Prints a line, above the bar if there is one. */
  line(text: string): void
}

export type OutputStream = NodeJS.WritableStream & { isTTY?: boolean; columns?: number }

export interface ReporterOptions {
  /** Whether to print nothing at all. */
  quiet?: boolean
  stdout?: OutputStream
  stderr?: OutputStream
  env?: NodeJS.ProcessEnv
  /** In milliseconds. */
  now?: () => number
}

/** Makes the reporter of a command. If the command prints JSON, nothing else goes to stdout. */
export function reporterFor({ quiet = false, json = false }: { quiet?: boolean; json?: boolean }): Reporter {
  return createReporter({ quiet, ...(json && { stdout: process.stderr }) })
}

/** Makes bars if stderr is a terminal that can move its cursor, and plain lines otherwise. */
export function createReporter(options: ReporterOptions = {}): Reporter {
  const { quiet = false, stdout = process.stdout, stderr = process.stderr, env = process.env } = options
  const now = options.now ?? (() => performance.now())
  if (quiet) return silent
  if (!stderr.isTTY || env.TERM === 'dumb') return new PlainReporter(stdout, now)
  return new TerminalReporter(stdout, stderr, !env.NO_COLOR, now)
}

const nothing = (): void => {}
const silent: Reporter = {
  start: nothing,
  update: nothing,
  stop: nothing,
  line: nothing,
  [Symbol.dispose]: nothing,
}

const GAP = '  '
const CYAN = '\x1b[36m'
const DEFAULT_COLOR = '\x1b[39m'
const ENDS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const WIDEST_BAR = 24
const NARROWEST_BAR = 6

/** The progress of a task, in words. */
class Task {
  #done: number
  #fields: Readonly<Record<string, string>> = {}
  readonly #started: number
  #updated: number

  constructor(
    readonly name: string,
    readonly total: number,
    readonly unit: string,
    readonly first: number,
    readonly now: () => number,
  ) {
    this.#done = first
    this.#started = now()
    this.#updated = this.#started
  }

  get done(): number {
    return this.#done
  }

  update(done: number, fields: Readonly<Record<string, string>>): void {
    this.#done = done
    this.#fields = fields
    this.#updated = this.now()
  }

  /** `12/30 epochs` */
  count(): string {
    const total = String(this.total)
    return `${String(Math.floor(this.#done)).padStart(total.length)}/${total} ${this.unit}`
  }

  /** `loss 0.12`, … */
  fields(): string[] {
    return Object.entries(this.#fields).flatMap(([name, text]) =>
      name === 'rate' ? [] : `${name} ${printable(text)}`,
    )
  }

  /** `3.4K images/s`, or `2.5s/epoch` for slow work, and the time left. */
  pace(): string[] {
    const { rate } = this.#fields
    const seconds = (this.#updated - this.#started) / 1000
    const perSecond = (this.#done - this.first) / seconds
    if (!(perSecond > 0 && Number.isFinite(perSecond))) return rate === undefined ? [] : [rate]
    const left = (this.total - this.#done) / perSecond - (this.now() - this.#updated) / 1000
    const pace = [rate ?? formatRate(perSecond, this.unit)]
    return left > 0 && this.#done < this.total
      ? [...pace, `eta ${formatSeconds(Math.max(1, Math.round(left)))}`]
      : pace
  }

  outcome(): string {
    const elapsed = `in ${formatSeconds((this.now() - this.#started) / 1000)}`
    return [this.count().trimStart(), ...this.fields(), elapsed].join(GAP)
  }
}

class PlainReporter implements Reporter {
  #task: Task | undefined
  #printed = 0

  constructor(
    readonly stdout: OutputStream,
    readonly now: () => number,
  ) {}

  start(task: string, total: number, unit: string, done = 0): void {
    this.#task = new Task(task, total, unit, done, this.now)
    this.#printed = done
  }

  update(done: number, fields: Readonly<Record<string, string>> = {}): void {
    const task = this.#task
    if (task === undefined) return
    task.update(done, fields)
    const step = task.total > 1000 ? task.total / 100 : 1
    if (Math.floor(done / step) <= Math.floor(this.#printed / step)) return
    this.#printed = done
    this.line([task.name, task.count(), ...task.fields(), ...task.pace()].join(GAP))
  }

  stop(summary?: string): void {
    const task = this.#task
    this.#task = undefined
    if (task === undefined) return
    if (summary !== undefined || task.done !== this.#printed)
      this.line(task.name + GAP + (summary ?? task.outcome()))
  }

  line(text: string): void {
    this.stdout.write(`${printable(text, '\n')}\n`)
  }

  [Symbol.dispose](): void {
    this.#task = undefined
  }
}

class TerminalReporter implements Reporter {
  readonly #bar: SingleBar
  #task: Task | undefined

  constructor(
    readonly stdout: OutputStream,
    readonly stderr: OutputStream,
    readonly colors: boolean,
    readonly now: () => number,
  ) {
    const format = (): string => (this.#task === undefined ? '' : this.#render(this.#task))
    this.#bar = new SingleBar({
      stream: stderr,
      format,
      clearOnComplete: true,
      hideCursor: true,
      linewrap: false,
    })
  }

  start(task: string, total: number, unit: string, done = 0): void {
    this.#clear()
    this.#task = new Task(task, total, unit, done, this.now)
    process.on('exit', this.#clear)
    // This runs before other listeners, because one that listens once no longer counts after its turn.
    for (const signal of ENDS) process.prependListener(signal, this.#onSignal)
    this.#bar.start(total, done)
  }

  update(done: number, fields: Readonly<Record<string, string>> = {}): void {
    this.#task?.update(done, fields)
    this.#bar.update(done)
  }

  stop(summary?: string): void {
    const task = this.#task
    this.#clear()
    if (task !== undefined) this.line(task.name + GAP + (summary ?? task.outcome()))
  }

  line(text: string): void {
    const task = this.#task
    // The bar remembers the position of the cursor, so it is removed while a line scrolls the screen.
    if (task !== undefined && this.stdout.isTTY) this.#bar.stop()
    this.stdout.write(`${printable(text, '\n')}\n`)
    if (task !== undefined && this.stdout.isTTY) this.#bar.start(task.total, task.done)
  }

  [Symbol.dispose](): void {
    this.#clear()
  }

  readonly #clear = (): void => {
    if (this.#task === undefined) return
    this.#bar.stop()
    this.#task = undefined
    process.off('exit', this.#clear)
    for (const signal of ENDS) process.off(signal, this.#onSignal)
  }

  /** A listener replaces the default action of a signal; if there is no other listener, the process must still end. */
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    this.#clear()
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
  }

  /** Fits a line to the width: it shortens the bar first, then drops fields from the last, the pace, and the rest. */
  #render(task: Task): string {
    // The last column stays free, because some terminals wrap as soon as it is used.
    const width = (this.stderr.columns || 80) - 1
    let fields = task.fields().length
    const details = [...task.fields(), ...task.pace()]
    const text = (): string => [task.count(), ...details].join(GAP)
    const room = (): number => width - [...`${task.name}${GAP} ${text()}`].length
    while (room() < NARROWEST_BAR && details.length > 0) details.splice(Math.max(--fields, 0), 1)
    if (room() < NARROWEST_BAR)
      return [...`${task.name}${GAP}${text()}`].slice(0, Math.max(width, 0)).join('')
    return `${task.name}${GAP}${this.#renderBar(task, Math.min(room(), WIDEST_BAR))} ${text()}`
  }

  #renderBar(task: Task, width: number): string {
    const share = task.total > 0 ? Math.min(1, Math.max(0, task.done / task.total)) : 1
    const full = Math.round(share * width)
    const [done, left] = ['█'.repeat(full), '░'.repeat(width - full)]
    return this.colors ? CYAN + done + left + DEFAULT_COLOR : done + left
  }
}

/** `3.4K images/s`, or `2.5s/epoch` for less than one per second. */
function formatRate(perSecond: number, unit: string): string {
  if (perSecond >= 1) return `${formatCount(perSecond)} ${unit}/s`
  return `${formatSeconds(1 / perSecond)}/${unit.replace(/s$/, '')}`
}
