// Checks the package on a machine with a GPU: npm run gpu-check -- [build|tests|recipes|bench|inference|loader …]. check.sh runs
// this where Node is missing, from the bundle of bundle.ts.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Argument, Command, Option } from 'commander'
import { renderTable } from '../../lib/internal.js'
import { runCommand, wholeNumber } from '../lenet/command.js'
import { benchPart } from './bench.js'
import { buildPart } from './build.js'
import { inferencePart } from './inference.js'
import { loaderPart } from './loader.js'
import { describeMachine } from './machine.js'
import type { CheckOptions, Outcome, Part } from './part.js'
import { recipesPart } from './recipes.js'
import { testsPart } from './tests.js'

interface Timed {
  readonly part: Part
  /** The seconds that it may take. */
  readonly seconds: number
}

/** In the order in which they run. */
const PARTS = {
  build: { part: buildPart, seconds: 200 },
  bench: { part: benchPart, seconds: 200 },
  inference: { part: inferencePart, seconds: 40 },
  tests: { part: testsPart, seconds: 180 },
  loader: { part: loaderPart, seconds: 60 },
  recipes: { part: recipesPart, seconds: 160 },
} satisfies Record<string, Timed>
type PartName = keyof typeof PARTS
const partNames = Object.keys(PARTS) as PartName[]

/** A part that has run. */
type Result = Outcome & { readonly started: string; readonly ended: string; readonly took: number }

interface Flags extends Omit<CheckOptions, 'scratch' | 'python'> {
  readonly limit: number
}

const program = new Command('gpu-check')
  .description('Builds, tests and measures the package on a machine with a GPU, without a network')
  .addArgument(new Argument('[part...]').choices(partNames).default(partNames, 'all'))
  .addOption(
    new Option('--out <dir>', 'the folder of results and logs')
      .env('GPU_CHECK_OUT')
      .default('runs/gpu-check'),
  )
  .option('--device <device>', 'the device; `cpu` tries the check itself', 'cuda')
  .option('--limit <seconds>', 'the time of all parts together', wholeNumber, 520)
  .option('--only <text...>', 'for `tests`: the files whose path contains one of these', [])
  .option('--cases <name...>', 'for `bench`: these cases alone', [])
  .option('--train <json>', 'for `bench` and `loader`: further options of train()', '{}')
  .option('--tiny', 'do as little as shows that everything runs', false)
  .action(check)

async function check(chosen: PartName[], flags: Flags): Promise<void> {
  const python = process.env.TORCH_PRUNE_PYTHON || 'python3'
  const out = resolve(flags.out)
  mkdirSync(out, { recursive: true })
  const machine = describeMachine(python)
  console.log(JSON.stringify(machine))
  const scratch = mkdtempSync(join(tmpdir(), 'torch-prune-gpu-'))
  const options: CheckOptions = { ...flags, out, scratch, python }
  const parts: Partial<Record<PartName, Result>> = {}
  try {
    for (const name of partNames.filter((part) => chosen.includes(part))) {
      const left = flags.limit - performance.now() / 1000
      parts[name] = await runPart(name, Math.min(PARTS[name].seconds, left), options)
      // After each part, so that nothing is lost if the rest does not end.
      writeFileSync(
        join(out, 'gpu-check.json'),
        `${JSON.stringify({ machine, flags, parts: shown(parts) }, null, 2)}\n`,
      )
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  const results = Object.entries(parts)
  console.log(
    `\n${renderTable(
      ['part', 'what', 'figure'],
      results.flatMap(([name, result]) => rowsOf(name, result)),
    )}`,
  )
  for (const [name, { failures }] of results)
    for (const failure of failures) console.log(`${name} FAILED: ${failure}`)
  console.log(`\n${join(out, 'gpu-check.json')}`)
  if (results.some(([, { failures }]) => failures.length > 0)) process.exitCode = 1
}

async function runPart(name: PartName, seconds: number, options: CheckOptions): Promise<Result> {
  const started = new Date()
  const log = join(options.out, `${name}.log`)
  writeFileSync(log, '')
  const say = (line: string) => console.log(line)
  console.log(`\n== ${name}, ${started.toISOString()}`)
  let outcome: Outcome
  try {
    if (seconds < 10) throw new Error('no time was left')
    outcome = await PARTS[name].part({ ...options, seconds, log, say })
  } catch (error) {
    outcome = { failures: [(error as Error).message], rows: [], figures: {} }
  }
  const ended = new Date()
  const took = (ended.getTime() - started.getTime()) / 1000
  if (outcome.table) console.log(outcome.table)
  for (const failure of outcome.failures) console.log(`FAILED: ${failure}`)
  console.log(`== ${name} took ${took.toFixed(1)} s`)
  return { ...outcome, started: started.toISOString(), ended: ended.toISOString(), took }
}

/** The parts as the JSON file has them. */
function shown(parts: Partial<Record<PartName, Result>>): object {
  const entries = Object.entries(parts).map(([name, { started, ended, took, failures, figures }]) => [
    name,
    { ...figures, started, ended, seconds: took, failures },
  ])
  return Object.fromEntries(entries)
}

function rowsOf(name: string, { rows, took, failures }: Result): [string, string, string][] {
  const state = failures.length === 0 ? 'done' : 'FAILED'
  return [
    [name, state, `${took.toFixed(1)} s`],
    ...rows.map(([what, value]): [string, string, string] => ['', what, value]),
  ]
}

await runCommand(program)
