// Calls every function of the addon with arguments that are right but for some: none may end the process, and
// each error is one line with a code. Run by test/native/misuse.test.ts in a child process, and by hand:
//   node --import tsx/esm test/native/fuzz.ts 10000 [SEED [FILE]]
// FILE holds the seed and the call that runs, so that a crash tells which it was.
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { TorchPruneError } from '../../lib/base/errors.js'
import type { NativeJob } from '../../lib/binding/native.js'
import { addon, forgetHandles, handle, KINDS, makeSpliced } from './handles.js'
import { type Change, change, changed, forged, Hostility, memoryTraps, saboteur, started } from './hostile.js'
import { RIGHT } from './right_arguments.js'

const RUNS = Number(process.argv[2] ?? 4000)
const SEED = Number(process.argv[3] ?? Date.now() % 2 ** 31)
const FILE = process.argv[4] ?? join(tmpdir(), `torch-prune-fuzz-${process.pid}.txt`)
const HANG = 60_000

type Name = keyof typeof RIGHT
type Call = (...args: unknown[]) => unknown
// Joining a group waits for other processes, for as long as it is told.
const names = (Object.keys(RIGHT) as Name[]).filter((name) => name !== 'processGroupStart')
const function_ = (name: Name) => addon[name] as Call

let calls = 0
let [refused, accepted] = [0, 0]
const pending: Promise<void>[] = []

/** Runs a call, having noted it, and looks at how it ends. */
function attempt(what: string, args: readonly unknown[], call: () => unknown): unknown {
  calls++
  const shown = inspect(args, { depth: 4, showProxy: true, customInspect: false, maxStringLength: 200 })
  writeFileSync(FILE, `seed ${SEED}, call ${calls}: ${what} ${shown}\n`)
  try {
    const result = call()
    accepted++
    const job = result as NativeJob<unknown> | undefined
    if (typeof job?.promise?.then === 'function') {
      pending.push(
        job.promise.then(
          () => void accepted++,
          (error: unknown) => check(what, error),
        ),
      )
    }
    return result
  } catch (error) {
    check(what, error)
    return undefined
  }
}

function check(what: string, error: unknown): void {
  refused++
  if (error instanceof Hostility) return
  // The engine's own, of a class that was to be called, or a constructor that was to make something.
  if (error instanceof TypeError && (what === 'constructor' || /^Class constructor/.test(error.message)))
    return
  if (error instanceof TorchPruneError && !/[\n\r]/.test(error.message)) return
  console.error(`seed ${SEED}, call ${calls}: ${what}: ${inspect(error)}`)
  process.exitCode = 3
}

function attemptChanged(name: Name, changes: readonly Change[]): void {
  const args = changed(RIGHT[name](), changes)
  const result = attempt(name, args, () => function_(name)(...args))
  if (name.endsWith('Dispose')) forgetHandles()
  if (name === 'operator' && typeof result === 'function' && changes.length > 0) {
    const values = [handle('tensor'), forged[0]!()]
    attempt('an operator', values, () => (result as Call)(...values))
  }
}

/** Waits for all jobs. One that hangs fails the test by its own words, not by the clock of the test. */
async function settle(): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`seed ${SEED}, call ${calls}: a job does not end`)), HANG)
  })
  await Promise.race([Promise.all([...pending.splice(0), ...started.splice(0)]), late]).finally(() =>
    clearTimeout(timer),
  )
  addon.initialize(TorchPruneError)
  addon.setGradEnabled(true)
  addon.setJobThreads(1)
  addon.setEagerThreads(1)
  await makeSpliced()
}

// Each takes what is right, on handles that nothing has spoilt.
for (const name of names) {
  forgetHandles()
  const before = refused
  attemptChanged(name, [])
  await settle()
  if (refused !== before) console.error(`${name} refuses its right arguments`)
}
const right = refused === 0

await fc.assert(
  fc.asyncProperty(fc.constantFrom(...names), fc.array(change, { maxLength: 3 }), async (name, changes) => {
    attemptChanged(name, changes)
    await settle()
    // What calls have changed would in time have later ones refused for that alone.
    if (calls % 64 === 0) forgetHandles()
  }),
  { numRuns: RUNS, seed: SEED, endOnFailure: true },
)

// Options that dispose of what the call is about.
for (const name of names) {
  for (const at of [0, 1, 2, 3]) {
    attemptChanged(name, [{ at, inside: false, key: 0, value: saboteur }])
    await settle()
  }
}
for (const [what, args] of memoryTraps()) attempt(what, args, () => function_('fromBytes')(...args))

// Functions on another `this`, handles made by hand, error classes that are none.
for (const name of names) {
  const args = RIGHT[name]()
  attempt(name, args, () => Reflect.apply(function_(name), forged[1]!(), args))
  if (name.endsWith('Dispose')) forgetHandles()
  await settle()
}
forgetHandles()
for (const kind of KINDS) {
  const Class = handle(kind).constructor as new (...args: unknown[]) => unknown
  for (const args of [[], [1], [{}], [handle(kind)]]) {
    attempt('constructor', args, () => new Class(...args))
    attempt('constructor', args, () => Reflect.construct(Class, args, Array))
    attempt('constructor', args, () => Reflect.apply(Class as unknown as Call, handle(kind), args))
  }
}
class Failing {
  constructor() {
    throw new Hostility('no error')
  }
}
for (const wrong of [undefined, () => 1, Failing, async () => {}]) {
  attempt('initialize', [wrong], () => function_('initialize')(wrong))
  try {
    function_('item')(1)
    accepted++
  } catch {
    // Some error, of whatever class.
  }
}
await settle()

// After all that, it still works.
forgetHandles()
const result = await addon.trainerRun(...RIGHT.trainerRun()).promise
console.log(
  JSON.stringify({
    steps: result?.steps,
    right,
    refused: refused > RUNS / 3,
    accepted: accepted > RUNS / 10,
  }),
)
