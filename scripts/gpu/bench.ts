import { fileURLToPath } from 'node:url'
import { renderTable } from '../../lib/internal.js'
import { caseNames, TINY_CASES } from './cases.js'
import { lastLines, runChild } from './child.js'
import type { Part, PartContext } from './part.js'

/** What the two sides print about a case. */
interface Row {
  readonly case: string
  readonly ours_ms?: number
  readonly ours_first_epoch_s?: number
  readonly prune_ms?: number
  readonly dense_ms?: number
  readonly graph_ms?: number
  readonly [field: string]: unknown
}

/** A case that is silent for so long is given up. */
const QUIET_SECONDS = 60

/** Times our masked training step against Python's three. */
export const benchPart: Part = async (context) => {
  const { device, tiny, train, python, cases, seconds, say } = context
  const names = cases.length > 0 ? cases : tiny ? TINY_CASES : caseNames
  const flags = ['--device', device, ...(tiny ? ['--tiny'] : [])]
  const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
  const own = ['--import=tsx/esm', path('ours.ts'), ...flags, '--train', train]
  const started = performance.now()
  const ours = await timeCases(process.execPath, own, names, seconds / 2, context)
  say(`our side took ${((performance.now() - started) / 1000).toFixed(0)} s`)
  const left = seconds - (performance.now() - started) / 1000
  const theirs = await timeCases(python, [path('rival.py'), ...flags], names, left, context)
  const rows = names.map((name): Row => ({ case: name, ...ours.get(name), ...theirs.get(name) }))
  return {
    failures: rows.flatMap(errorsOf),
    rows: rows.map(({ case: name, ours_ms, prune_ms }) => [
      `${name}, ours / prune`,
      `${show(ours_ms)} / ${show(prune_ms)} ms${ours_ms && prune_ms ? `, ${(ours_ms / prune_ms).toFixed(2)}×` : ''}`,
    ]),
    table: table(rows),
    figures: { train: JSON.parse(train), cases: rows },
  }
}

/** Has a program time the cases one after the other. If it ends at a case, another one goes on with the next. */
async function timeCases(
  command: string,
  args: readonly string[],
  names: readonly string[],
  seconds: number,
  { log, say }: PartContext,
): Promise<Map<string, Row>> {
  const found = new Map<string, Row>()
  const deadline = performance.now() + seconds * 1000
  let waiting = [...names]
  const onLine = (line: string) => {
    if (!line.startsWith('{')) return
    say(line)
    const row = JSON.parse(line) as Row
    found.set(row.case, row)
    waiting = waiting.filter((name) => name !== row.case)
  }
  while (waiting.length > 0) {
    const left = (deadline - performance.now()) / 1000
    const [first] = waiting
    if (left < 5) {
      for (const name of waiting) found.set(name, { case: name, time_error: 'no time was left' })
      return found
    }
    const options = { seconds: left, quietSeconds: QUIET_SECONDS, log, onLine }
    const { failure, stderr } = await runChild(command, [...args, ...waiting], options)
    if (waiting[0] !== first && failure === undefined) continue
    const [name] = waiting.splice(0, 1)
    if (name !== undefined)
      found.set(name, {
        case: name,
        run_error: `${failure ?? 'nothing was printed'}: ${lastLines(stderr, 3)}`,
      })
  }
  return found
}

function errorsOf(row: Row): string[] {
  const fields = Object.entries(row).filter(([field]) => field.endsWith('_error'))
  return fields.map(([field, why]) => `${row.case}: ${field}: ${why}`)
}

function table(rows: readonly Row[]): string {
  const right = (title: string) => ({ title, align: 'right' }) as const
  const titles = ['ours', 'prune', 'dense', 'graph', 'ours/prune', 'ours/dense', 'ours/graph', 'first epoch']
  return renderTable(
    ['ms per step', ...titles.map(right)],
    rows.map(({ case: name, ours_ms, prune_ms, dense_ms, graph_ms, ours_first_epoch_s }) => [
      name,
      ...[ours_ms, prune_ms, dense_ms, graph_ms].map(show),
      ...[prune_ms, dense_ms, graph_ms].map((theirs) =>
        ours_ms !== undefined && theirs !== undefined ? `${(ours_ms / theirs).toFixed(2)}×` : '–',
      ),
      ours_first_epoch_s === undefined ? '–' : `${ours_first_epoch_s.toFixed(2)} s`,
    ]),
  )
}

function show(ms: number | undefined): string {
  return ms === undefined ? '–' : ms.toFixed(3)
}
