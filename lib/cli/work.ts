import { relative } from 'node:path'
import type { LockOwner } from '../base/lock.js'
import { printable } from '../base/text.js'
import { type ProcessGroup, processGroup } from '../distributed/process_group.js'
import { type FoundRun, progressOf } from '../recipes/folder.js'
import type { Recipe } from '../recipes/recipe.js'
import { type RunResult, runRecipe } from '../recipes/run.js'
import type { RunListener, RunPlace } from '../recipes/session.js'
import { formatSeconds } from '../report/format.js'
import { layerTable, summaryTable } from '../report/tables.js'
import { isPruning } from '../runs/checkpoint.js'
import { Interrupted } from './failure.js'
import { commandWith } from './interrupt.js'
import type { MaskOption } from './options.js'
import { printJson, render } from './output.js'
import { type Reporter, reporterFor } from './progress.js'
import { followRun } from './run_progress.js'
import type { ResumableOptions, WorkOptions } from './work_options.js'

/** Runs a recipe and prints its table, for `run` and `prune`. */
export async function runToTable(
  recipe: Recipe,
  options: WorkOptions & ResumableOptions & MaskOption & { readonly weights?: string },
  signal: AbortSignal,
): Promise<void> {
  const { resume = false } = options
  const group = await processGroup({ signal })
  const first = speaksForAll(group)
  using reporter = reporterFor(first ? options : { quiet: true })
  const follow = followRun(reporter)
  const rounds = recipe.prune.rounds ?? 1
  let begun = false
  /** Whether any of the dense training is saved or, once it is done, the number of rounds that are. */
  let kept = false
  let saved: number | undefined
  const on: RunListener = {
    ...follow,
    begun(found, place) {
      begun = true
      announce(reporter, recipe, options, place.folder)
      for (const how of beginning(found, place, resume)) reporter.line(how)
      if (!resume || found.kind !== 'unfinished') return
      kept = true
      if (isPruning(found.state)) saved = found.state.rounds.length
    },
    saved() {
      kept = true
    },
    referenceReady(validationError) {
      saved ??= 0
      follow.referenceReady?.(validationError)
    },
    round(round) {
      saved = round.round
      follow.round?.(round)
    },
  }
  try {
    const { data, out, seed, device, threads, weights, mask, checkpointMinutes, overwrite } = options
    const place = { data, out, seed, device, threads, weights, mask }
    const result = await runRecipe(recipe, {
      ...place,
      checkpointMinutes,
      command: commandWith(),
      resume,
      overwrite,
      group,
      signal,
      on,
    })
    if (!begun) reporter.line(`This run is finished: nothing is left to do in ${shown(result.folder)}`)
    if (options.json && first) printJson({ kind: 'run', folder: result.folder, run: result.record })
    else reporter.line(resultText(result, recipe))
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error
    if (!first) throw new Interrupted('interrupted')
    if (!begun) throw new Interrupted('interrupted before the run began')
    if (saved === undefined && !kept) {
      throw new Interrupted('interrupted before the first step: run it again to begin')
    }
    const open =
      saved === undefined
        ? 'the dense training'
        : saved < rounds
          ? `round ${saved + 1} of ${rounds}`
          : 'the final test'
    throw new Interrupted(`interrupted: ${open} is unfinished; continue with: ${commandWith('--resume')}`)
  }
}

/** Of several processes, the first one speaks for all. */
export function speaksForAll(group: ProcessGroup | undefined): boolean {
  return group === undefined || group.rank === 0
}

/** Prints what runs, and where its files go. */
export function announce(
  reporter: Reporter,
  { name }: Pick<Recipe, 'name'>,
  { seed, device, threads }: WorkOptions,
  folder: string,
): void {
  const computing = `${device}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`
  reporter.line(`${name}, seed ${seed}, ${computing}, into ${shown(folder)}`)
}

/** Says in lines how a run that begins relates to what its folder had. */
export function beginning(found: FoundRun, { before, folder, work }: RunPlace, resume: boolean): string[] {
  const lines = []
  if (before) lines.push(`${takenOver(before)}.`)
  if (found.kind === 'begun') lines.push('The run there stopped before anything was saved: starting again.')
  else if (found.kind === 'unfinished') lines.push(`Going on ${progressOf(found.state)}.`)
  else if (resume) lines.push('There is nothing to resume there: starting from the beginning.')
  if (work !== folder) lines.push('The run there stays until this one is done, which then takes its place.')
  return lines
}

export function takenOver({ pid, since }: LockOwner): string {
  return `Process ${pid}, at work there since ${since}, is gone: taking over its folder`
}

/** The tables at the end of a run. */
export function resultText({ folder, record }: RunResult, { paper }: Pick<Recipe, 'paper'>): string {
  return [
    '',
    render(layerTable(record, paper)),
    '',
    render(summaryTable(record, paper)),
    '',
    `${formatSeconds(record.seconds)} in all; the files are in ${shown(folder)}`,
  ].join('\n')
}

/** The shortest form of a path from here, for people. */
export function shown(path: string): string {
  return printable(fromHere(path))
}

/** The shortest form of a path from here. */
export function fromHere(path: string): string {
  const short = relative(process.cwd(), path)
  return short === '' ? '.' : short.startsWith('..') ? path : short
}
