import type { z } from 'zod'
import { quoteForShell } from '../base/text.js'
import type { madeSchema } from '../runs/origin.js'
import type { Named, RunRecord } from '../runs/record.js'
import { formatSeconds } from './format.js'
import type { Start } from './log.js'
import type { TableData } from './tables.js'

/** When, where and from what something was made. */
export interface Provenance {
  /** Short facts, for a line of text. */
  readonly facts: readonly string[]
  /** The command that repeats it. */
  readonly command: string | undefined
  /** The settings of its recipe. */
  readonly settings: TableData | undefined
}

type Made = Named<z.infer<typeof madeSchema>>
/** What is known of it; what is measured without chance has no seed. */
type Origin = Pick<Made, 'device' | 'threads' | 'versions'> & Partial<Made>

/** The provenance of a run, from its record and the beginning of its log. */
export function runProvenance(record: RunRecord, start: Start | undefined): Provenance {
  const { seed, device, threads, versions, seconds } = record
  const facts = [...origin({ seed, device, threads, versions, ...start }), `took ${formatSeconds(seconds)}`]
  return { facts, command: commandOf(record, start), settings: settingsTable(start?.settings) }
}

/** The provenance of a study, from its record. */
export function studyProvenance(made: Origin | undefined): Provenance {
  if (made === undefined) return { facts: [], command: undefined, settings: undefined }
  return { facts: origin(made), command: made.command, settings: settingsTable(made.settings) }
}

function origin({ time, host, processor, data, seed, device, threads, versions }: Origin): string[] {
  const computing = device === 'cpu' ? `${threads} CPU ${threads === 1 ? 'thread' : 'threads'}` : device
  const { torchPrune, libtorch, node } = versions
  return [
    ...(time === undefined ? [] : [`${time.slice(0, 16).replace('T', ' ')} UTC`]),
    ...(host === undefined ? [] : [host]),
    ...(processor === undefined ? [] : [processor]),
    computing,
    ...(data === undefined ? [] : [dataText(data)]),
    ...(seed === undefined ? [] : [`seed ${seed}`]),
    `torch-prune ${torchPrune}`,
    `libtorch ${libtorch}`,
    `Node ${node}`,
  ]
}

function dataText({
  name = 'data of a program',
  train,
  validation,
  test,
}: NonNullable<Made['data']>): string {
  const [first, second, third] = [train, validation, test].map((count) => count.toLocaleString('en'))
  return `${name}: ${first} samples to train, ${second} to validate, ${third} to test`
}

/** Logs say the command; older ones do not, but had hardly anything that these options do not say. */
function commandOf(
  { recipe, seed, device, threads }: RunRecord,
  start: Start | undefined,
): string | undefined {
  // A program that runs a recipe has no command.
  if (start?.command !== undefined || start?.host !== undefined) return start.command
  return `torch-prune run ${quoteForShell(recipe)} --seed ${seed} --device ${device} --threads ${threads}`
}

/** A row for each setting, under the name that it has in a recipe; undefined if none are known. */
function settingsTable(settings: unknown): TableData | undefined {
  const rows = flattened(settings, '')
  return rows.length === 0 ? undefined : { columns: ['setting', 'value'], rows }
}

function flattened(value: unknown, name: string): [string, string][] {
  if (typeof value !== 'object' || value === null) return value === undefined ? [] : [[name, String(value)]]
  if (Array.isArray(value)) return [[name, JSON.stringify(value)]]
  return Object.entries(value).flatMap(([key, part]) => flattened(part, name === '' ? key : `${name}.${key}`))
}
