import { join } from 'node:path'
import { exists } from '../base/files.js'
import { type RunEvent, readEvents, SHARING } from '../runs/events.js'
import { EVENTS_FILE } from '../runs/files.js'

type Event<Kind extends RunEvent['event']> = Extract<RunEvent, { readonly event: Kind }>

/** The beginning of a run. */
export type Start = Event<'start'>

/** Epochs of one training in a row: of the dense network, of a round or one of its phases, or of shared values. */
export interface Stage {
  /** `dense`, `round 3`, `round 3, FC`, or `shared values`. */
  readonly name: string
  readonly kind: 'dense' | 'round' | 'shared'
  /** 0 for the dense training. */
  readonly round: number
  /** The share of weights that is kept. */
  readonly density: number
  readonly epochs: readonly Event<'epoch'>[]
  /** The number of epochs before it. */
  readonly before: number
  /** The error on the validation part at its end, if it was measured. */
  readonly validationError: number | undefined
}

/** The course of a run, from its log. */
export interface RunLog {
  readonly start: Start | undefined
  readonly stages: readonly Stage[]
}

const SHARED = 'shared values'

interface OpenStage {
  name: string
  kind: Stage['kind']
  round: number
  density: number
  epochs: Event<'epoch'>[]
  validationError: number | undefined
}

/**
 * Reads the log of a run; undefined if there is none. Epochs that were lost when the run was stopped, and done again when
 * it was resumed, count once.
 *
 * @throws TorchPruneError `ERR_FILE` if a line is damaged
 */
export async function readRunLog(dir: string): Promise<RunLog | undefined> {
  if (!(await exists(join(dir, EVENTS_FILE)))) return undefined
  const events = await readEvents(dir)
  // A training in the same folder may have come first.
  const begin = events.findLastIndex((event) => event.event === 'start' && !event.resumed)
  const own = events.slice(Math.max(0, begin))
  const start = own.find((event) => event.event === 'start')
  return { start, stages: stagesOf(own) }
}

function stagesOf(events: readonly RunEvent[]): Stage[] {
  const stages: OpenStage[] = []
  for (const event of events) {
    if (event.event === 'prune') open(stages, nameOf(event), event.round, event.density)
    else if (event.event === 'epoch') add(stages, event)
    else if (event.event === 'round') {
      const last = stages.findLast(({ round }) => round === event.round)
      if (last) last.validationError = event.validationError
    }
  }
  let before = 0
  return stages.map((stage) => {
    const counted = { ...stage, before }
    before += stage.epochs.length
    return counted
  })
}

/** Begins a stage, or begins it again: what came after it the first time was lost. */
function open(stages: OpenStage[], name: string, round: number, density: number): OpenStage {
  const at = stages.findIndex((stage) => stage.name === name)
  if (at >= 0) stages.length = at
  const kind = name === SHARED ? 'shared' : round === 0 ? 'dense' : 'round'
  const stage: OpenStage = { name, kind, round, density, epochs: [], validationError: undefined }
  stages.push(stage)
  return stage
}

function add(stages: OpenStage[], epoch: Event<'epoch'>): void {
  const { round, phase, validationError } = epoch
  // A pruning does not name its phase if that is the only one.
  const names = phase === SHARING ? [SHARED] : [nameOf({ round, phase }), nameOf({ round })]
  const at = stages.findIndex(({ name }) => names.includes(name))
  const stage = stages[at] ?? open(stages, names[0]!, round, stages.at(-1)?.density ?? 1)
  if (at >= 0) stages.length = at + 1
  const again = stage.epochs.findIndex((known) => known.epoch === epoch.epoch)
  if (again >= 0) stage.epochs.length = again
  stage.epochs.push(epoch)
  stage.validationError = validationError ?? stage.validationError
}

function nameOf({ round, phase }: { readonly round: number; readonly phase?: string | undefined }): string {
  if (round === 0) return 'dense'
  return phase === undefined || phase === 'all' ? `round ${round}` : `round ${round}, ${phase.toUpperCase()}`
}
