import { type FileHandle, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { z } from 'zod'
import { makeFolder } from '../base/atomic.js'
import { TorchPruneError } from '../base/errors.js'
import { inputError, outputError, refuse } from '../base/files.js'
import { onOneLine } from '../base/text.js'
import { checkedJson, withChecksum } from './checked_json.js'
import { EVENTS_FILE } from './files.js'
import { originFields, versions } from './origin.js'
import { firstIssue, type Named } from './record.js'

/** The phase of epochs that train the values that weights share, after the last round. */
export const SHARING = 'sharing'

const time = z.iso.datetime()
const kinds = {
  /** A run begins, or continues if `resumed`. */
  start: z.looseObject({
    event: z.literal('start'),
    time,
    recipe: z.string(),
    seed: z.int(),
    device: z.string(),
    threads: z.int(),
    resumed: z.boolean(),
    versions,
    ...originFields,
  }),
  /** An epoch of training has ended. Round 0 trains the dense network. */
  epoch: z.looseObject({
    event: z.literal('epoch'),
    time,
    round: z.int(),
    epoch: z.int(),
    epochs: z.int(),
    /** The layers that are retrained, in a round with several phases; or `sharing`, after the last round. */
    phase: z.string().optional(),
    /** The mean loss over the epoch. It is null if it was infinite or NaN, which JSON cannot represent. */
    loss: z.number().nullable(),
    learningRate: z.number(),
    /** The error on the validation part, in percent. */
    validationError: z.number().optional(),
    seconds: z.number(),
  }),
  /** Weights have been pruned, and retraining begins. There is one such event in each phase of a round. */
  prune: z.looseObject({
    event: z.literal('prune'),
    time,
    round: z.int(),
    density: z.number(),
    /** The layers that were pruned, in a round with several phases. */
    phase: z.string().optional(),
    thresholds: z.record(z.string(), z.number()).optional(),
  }),
  /** A round of pruning and retraining has ended. */
  round: z.looseObject({
    event: z.literal('round'),
    time,
    round: z.int(),
    density: z.number(),
    compression: z.number(),
    validationError: z.number(),
    seconds: z.number(),
  }),
  /** Files have been saved from which a later run can resume. */
  checkpoint: z.looseObject({ event: z.literal('checkpoint'), time, round: z.int(), path: z.string() }),
  /** The run was stopped, after saving. */
  interrupt: z.looseObject({ event: z.literal('interrupt'), time, reason: z.string() }),
  /** The run has failed. */
  error: z.looseObject({ event: z.literal('error'), time, code: z.string(), message: z.string() }),
  /** The run is done. */
  end: z.looseObject({ event: z.literal('end'), time, seconds: z.number() }),
}

/** A line of `events.jsonl`; `time` is ISO 8601 in UTC. */
export type RunEvent = {
  [Kind in keyof typeof kinds]: Named<z.infer<(typeof kinds)[Kind]>>
}[keyof typeof kinds]

/** An event before it is logged; the log adds the time. */
export type NewRunEvent = RunEvent extends infer Event
  ? Event extends RunEvent
    ? Omit<Event, 'time'>
    : never
  : never

/** Appends to `events.jsonl`. Each line is on the disk when its `append` resolves. */
export class EventLog {
  readonly #handle: FileHandle
  readonly #path: string
  #length: number
  #last: Promise<void> = Promise.resolve()

  /** The errors in what the log already contained. */
  readonly damage: readonly TorchPruneError[]

  private constructor(handle: FileHandle, path: string, length: number, damage: readonly TorchPruneError[]) {
    this.damage = damage
    this.#handle = handle
    this.#path = path
    this.#length = length
  }

  /**
   * Opens a folder's log for appending; creates both if necessary. A half-written last line, left by a crash, is
   * dropped. Other damaged lines are kept and reported.
   * @throws ERR_OUTPUT when it cannot be written
   */
  static async open(dir: string): Promise<EventLog> {
    const path = join(dir, EVENTS_FILE)
    await makeFolder(dir)
    try {
      const handle = await open(path, 'a+')
      const bytes = await handle.readFile()
      const whole = wholeLines(bytes)
      const damage = damagedLines(whole, path)
      if (whole.length < bytes.length) {
        damage.push(
          new TorchPruneError('ERR_FILE', `${onOneLine(path)}: its last line is cut short and was removed`),
        )
      }
      await handle.truncate(whole.length)
      return new EventLog(handle, path, whole.length, damage)
    } catch (cause) {
      throw outputError(path, cause)
    }
  }

  /**
   * Appends an event, after those of earlier calls whether or not they were awaited.
   * @throws ERR_OUTPUT when it cannot be written; the log is then unchanged
   */
  append(event: NewRunEvent): Promise<void> {
    const line = `${JSON.stringify(withChecksum({ time: new Date().toISOString(), ...event }))}\n`
    const written = this.#last.then(() => this.#write(line))
    this.#last = written.catch(() => {})
    return written
  }

  /** Waits for pending events and closes the file. */
  async close(): Promise<void> {
    await this.#last
    await this.#handle.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #write(line: string): Promise<void> {
    try {
      await this.#handle.appendFile(line)
      await this.#handle.datasync()
      this.#length += Buffer.byteLength(line)
    } catch (cause) {
      // Half a line would run into the next one.
      await this.#handle.truncate(this.#length).catch(() => {})
      throw outputError(this.#path, cause)
    }
  }
}

/**
 * Reads a folder's log. A half-written last line is left out, and so are events that only later versions know.
 * @throws ERR_FILE when it is missing, or naming the line that is damaged
 */
export async function readEvents(dir: string): Promise<RunEvent[]> {
  const path = join(dir, EVENTS_FILE)
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw inputError(path, cause)
  })
  return linesOf(wholeLines(bytes)).flatMap(
    (line, index) => parseEvent(line, `line ${index + 1}`, path) ?? [],
  )
}

function parseEvent(line: string, where: string, path: string): RunEvent | undefined {
  const damaged = (why: string): never => refuse(path, `${where} is damaged: ${why}`, 'delete that line')
  let parsed: unknown
  try {
    parsed = JSON.parse(line)
  } catch {
    return damaged('not JSON')
  }
  const checked = checkedJson(parsed)
  if (checked.damaged) return damaged('it does not match its checksum')
  const { value } = checked
  const event = z.looseObject({ event: z.string() }).safeParse(value)
  if (!event.success) return damaged(firstIssue(event.error))
  if (!Object.hasOwn(kinds, event.data.event)) return undefined
  const result = kinds[event.data.event as keyof typeof kinds].safeParse(value)
  return result.success ? result.data : damaged(firstIssue(result.error))
}

function damagedLines(whole: Buffer, path: string): TorchPruneError[] {
  return linesOf(whole).flatMap((line, index) => {
    try {
      parseEvent(line, `line ${index + 1}`, path)
      return []
    } catch (error) {
      if (error instanceof TorchPruneError) return error
      throw error
    }
  })
}

function linesOf(whole: Buffer): string[] {
  return whole.toString('utf8').split('\n').slice(0, -1)
}

/** Only lines that end with a newline count. */
function wholeLines(bytes: Buffer): Buffer {
  return bytes.subarray(0, bytes.lastIndexOf('\n') + 1)
}
