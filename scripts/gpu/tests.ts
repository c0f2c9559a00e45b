import { appendFileSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { lastLines, runChild } from './child.js'
import type { Part, PartContext } from './part.js'

/** Tests of what is the same without a GPU, or of what the bundle leaves out: packaging, browsers, compilers. */
const LEFT_OUT =
  /^(house|install|package|types|examples|api)\/|^(binding\/bundle|coded\/browser|report\/browser|scripts\/imagenet)\./
/**
 * The slowest of the tests that never compute on the device: these commands are given no --device that exists, and the
 * processes that exit have their networks on the CPU. The faster tests of commands stay, for they load a CUDA build, too.
 */
const ON_CPU = /^(cli\/(input|run|studies)|native\/exit)\./
/**
 * Tests that compare with Python's numbers. They are run a second time without TF32, which rounds so coarsely that it
 * hides small errors.
 */
const AGAINST_PYTHON =
  /^(nn\/golden|optim\/golden|models\/models|prune\/splice_golden|tensor\/operators|train\/(averaging|formats|losses))\./
/** Keeps cuBLAS and cuDNN from using TF32; test/support/tolerance.ts reads it, too. */
const WITHOUT_TF32 = { NVIDIA_TF32_OVERRIDE: '0' }
/** These take longest, so they start first. */
const SLOW = /^(prune|train|cli|native|recipes|models|nn)\//
const FILE_SECONDS = 150
/** So many failures are printed; the JSON file and the log have all. */
const PRINTED = 20
/** Two, as on the machine that the tests were written on: sixteen files at once keep sixteen cores busy. */
const THREADS = '2'

/** A line of mocha's reporter json-stream. */
type Event =
  | readonly [kind: 'start', of: { readonly total: number }]
  | readonly [kind: 'pass', of: { readonly fullTitle: string }]
  | readonly [kind: 'fail', of: { readonly fullTitle: string; readonly err?: string }]
  | readonly [kind: 'end', of: { readonly pending: number }]

/** A file of tests, and how it is run. */
interface Run {
  readonly file: string
  readonly withoutTf32: boolean
}

/** What came of it. */
interface FileResult {
  /** The file's path, followed by `without TF32` if it was run that way. */
  readonly file: string
  readonly seconds: number
  readonly passes: number
  readonly pending: number
  readonly failures: readonly { readonly title: string; readonly message: string }[]
  /** Lines about a missing fontconfig, of which there should be none. */
  readonly fontconfig: number
}

/** Runs the tests on the device, each file in a process of its own, as many at once as there are cores. */
export const testsPart: Part = async (context) => {
  const waiting = testRuns(context)
  const results: FileResult[] = []
  let printed = 0
  const deadline = performance.now() + context.seconds * 1000
  const worker = async () => {
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) {
      const left = (deadline - performance.now()) / 1000
      if (left < 5) return void waiting.unshift(run)
      const result = await runFile(run, Math.min(FILE_SECONDS, left), context)
      results.push(result)
      appendFileSync(context.log, `${JSON.stringify(result)}\n`)
      for (const { title, message } of result.failures)
        if (++printed <= PRINTED) context.say(`FAILED ${result.file}: ${title}\n    ${message}`)
    }
  }
  await Promise.all(Array.from({ length: Math.min(16, availableParallelism()) }, worker))
  return summary(results, waiting.map(nameOf))
}

function testRuns(context: PartContext): Run[] {
  const files = testFiles(context)
  const again = context.device === 'cpu' ? [] : files.filter((file) => AGAINST_PYTHON.test(file))
  const runs = [
    ...files.map((file) => ({ file, withoutTf32: false })),
    ...again.map((file) => ({ file, withoutTf32: true })),
  ]
  return runs.sort((a, b) => Number(SLOW.test(b.file)) - Number(SLOW.test(a.file)))
}

function nameOf({ file, withoutTf32 }: Run): string {
  return withoutTf32 ? `${file} without TF32` : file
}

function testFiles({ only, tiny }: PartContext): string[] {
  const all = readdirSync('test', { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.test.ts'),
  )
  const chosen = all
    .filter((file) => !LEFT_OUT.test(file) && !ON_CPU.test(file))
    .filter((file) => isChosen(file, only))
  const files = chosen.sort((a, b) => a.localeCompare(b, 'en'))
  return tiny && only.length === 0 ? files.filter((file) => file.startsWith('optim/')) : files
}

function isChosen(file: string, only: readonly string[]): boolean {
  return only.length === 0 || only.some((part) => file.includes(part))
}

async function runFile(run: Run, seconds: number, { device }: PartContext): Promise<FileResult> {
  const args = [
    // Not bin/mocha.js, which would start a second Node for the first option.
    ...['--import=tsx/esm', 'node_modules/mocha/lib/cli/cli.js'],
    ...['--no-config', '--require', './test/support/awake.ts', '--timeout', '60000'],
    ...['--exit', '--reporter', 'json-stream', join('test', run.file)],
  ]
  const result = {
    file: nameOf(run),
    passes: 0,
    pending: 0,
    failures: [] as { title: string; message: string }[],
  }
  let last = 'none'
  const onLine = (line: string) => {
    const event = readEvent(line)
    if (event?.[0] === 'pass') {
      result.passes++
      last = event[1].fullTitle
    } else if (event?.[0] === 'fail') {
      last = event[1].fullTitle
      result.failures.push({ title: last, message: (event[1].err ?? '').slice(0, 400) })
    } else if (event?.[0] === 'end') result.pending = event[1].pending
  }
  // Bare machines set no locale, and without one a shell does not read back every letter.
  const env = {
    ...{ TORCH_PRUNE_DEVICE: device, OMP_NUM_THREADS: THREADS, LC_ALL: 'C.UTF-8' },
    ...(run.withoutTf32 && WITHOUT_TF32),
  }
  const ended = await runChild(process.execPath, args, { seconds, env, onLine })
  const others = `${ended.stdout}${ended.stderr}`.split('\n').filter((line) => readEvent(line) === undefined)
  // Mocha's exit code is the number of failures, unless the process ended in another way.
  const { failures } = result
  if (ended.failure && ended.failure !== `exited with ${failures.length}`)
    failures.push({
      title: `${ended.failure}, after: ${last}`,
      message: lastLines(others.join('\n'), 6).slice(-400),
    })
  const fontconfig = others.filter((line) => /fontconfig/i.test(line)).length
  return { ...result, seconds: ended.seconds, fontconfig }
}

function readEvent(line: string): Event | undefined {
  if (!/^\["(start|pass|fail|end)",/.test(line)) return undefined
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function summary(results: readonly FileResult[], notRun: readonly string[]) {
  const sum = (of: (result: FileResult) => number) => results.reduce((total, result) => total + of(result), 0)
  const [passed, pending] = [sum(({ passes }) => passes), sum((result) => result.pending)]
  const failed = sum(({ failures }) => failures.length)
  const fontconfig = results.filter((result) => result.fontconfig > 0).map(({ file }) => file)
  const failures: string[] = []
  if (failed > 0) failures.push(`${failed} tests failed`)
  if (results.length === 0) failures.push('no test file was run')
  if (notRun.length > 0) failures.push(`no time was left for ${notRun.join(', ')}`)
  if (fontconfig.length > 0) failures.push(`lines about fontconfig in ${fontconfig.join(', ')}`)
  const slowest = results.toSorted((a, b) => b.seconds - a.seconds).slice(0, 8)
  return {
    failures,
    rows: [
      ['tests', `${passed} passed, ${failed} failed, ${pending} skipped, in ${results.length} files`],
      [
        'slowest tests',
        slowest
          .slice(0, 3)
          .map(({ file, seconds }) => `${file} ${seconds.toFixed(0)} s`)
          .join(', '),
      ],
    ] as const,
    figures: {
      passed,
      failed,
      pending,
      notRun,
      failures: results.flatMap(({ file, failures }) => failures.map((failure) => ({ file, ...failure }))),
      slowest: Object.fromEntries(slowest.map(({ file, seconds }) => [file, seconds])),
    },
  }
}
