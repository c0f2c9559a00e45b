// Two processes of one thread against one process of one thread, on LeNet-5: npx tsx scripts/processes.ts
// They train 200 steps with the same batches and prune, and must come to the same weights and masks; then they
// take turns, and the samples per second of both are compared. Beside them, as many processes that exchange nothing, each
// with its part of a batch: what the machine's cores give at best.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { readSafetensors, type SafetensorsFile } from '../lib/index.js'
import { freePort, variablesOf } from '../lib/internal.js'
import { describeMachine, printMachine } from './bench/machine.js'
import { spread } from './bench/statistics.js'
import { wholeNumber } from './lenet/command.js'

const MEMBER = fileURLToPath(new URL('processes_member.ts', import.meta.url))

const range = (count: number) => Array.from({ length: count }, (_, i) => i)

function member(args: readonly (string | number)[], rank: number, place: object = {}): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx/esm', MEMBER, ...args.map(String)], {
    env: { ...process.env, OMP_NUM_THREADS: '1', ...place },
    stdio: ['pipe', rank === 0 ? 'pipe' : 'ignore', 'inherit'],
  })
}

/** The processes of one side. They train when they are told, together. */
class Side {
  readonly #children: readonly ChildProcess[]
  readonly #answers: AsyncIterator<string>
  readonly #lines: Interface

  constructor(children: readonly ChildProcess[]) {
    this.#children = children
    this.#lines = createInterface({ input: children[0]!.stdout! })
    this.#answers = this.#lines[Symbol.asyncIterator]()
  }

  static async start(
    count: number,
    folder: string,
    { batchSize, steps, lr, sharedMemory }: Options,
    accumulate = 1,
  ): Promise<Side> {
    await mkdir(folder, { recursive: true })
    const port = await freePort()
    const args = [folder, batchSize, steps, accumulate, lr, Number(sharedMemory)]
    return new Side(range(count).map((rank) => member(args, rank, variablesOf(rank, count, port))))
  }

  /** Processes that know nothing of each other. */
  static async apart(count: number, folder: string, { batchSize, steps, lr }: Options): Promise<Side> {
    const folders = range(count).map((rank) => join(folder, String(rank)))
    await Promise.all(folders.map((each) => mkdir(each, { recursive: true })))
    return new Side(folders.map((each, rank) => member([each, batchSize / count, steps, 1, lr], rank)))
  }

  /** The next line that rank 0 prints, as a number. */
  async answer(): Promise<number> {
    const { value, done } = await this.#answers.next()
    if (done) throw new Error('a process ended: see above')
    return Number(value)
  }

  /** Trains once more, and returns the samples per second. */
  train(): Promise<number> {
    for (const child of this.#children) child.stdin!.write('train\n')
    return this.answer()
  }

  [Symbol.dispose](): void {
    this.#lines.close()
    for (const child of this.#children) child.stdin!.end()
  }
}

interface Options {
  readonly batchSize: number
  readonly steps: number
  readonly blocks: number
  readonly processes: number
  readonly lr: number
  readonly sharedMemory: boolean
}

await new Command('processes')
  .description('Compares training in several processes with training in one')
  .option('--batch-size <n>', 'samples of a batch, of all processes together', wholeNumber, 128)
  .option('--steps <n>', 'steps of each training', wholeNumber, 200)
  .option('--blocks <n>', 'trainings per side that are timed, taking turns', wholeNumber, 5)
  .option('--processes <n>', 'processes of one side', wholeNumber, 2)
  .option('--lr <rate>', 'learning rate: small ones let rounding grow less', Number, 0.02)
  .option('--no-shared-memory', 'sum by Gloo, as processes of several machines do')
  .action(async (options: Options) => {
    printMachine(describeMachine())
    const folder = await mkdtemp(join(tmpdir(), 'torch-prune-processes-'))
    try {
      await race(folder, options)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
  .parseAsync()

async function race(folder: string, options: Options): Promise<void> {
  const [first, second, third] = ['one', 'several', 'halves'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  using one = await Side.start(1, first, options)
  await one.answer()
  using several = await Side.start(options.processes, second, options)
  await several.answer()
  // What rounding alone does: one process that sums the gradients of two halves of each batch.
  {
    using halves = await Side.start(1, third, options, 2)
    await halves.answer()
  }
  console.log(
    `after ${options.steps} steps, ${options.processes} processes and one: ${await difference(first, second)}`,
  )
  console.log(`one process by halves of batches, and one: ${await difference(first, third)}`)
  if (options.processes === 2)
    console.log(`2 processes, and one by halves of batches: ${await difference(second, third)}`)
  using apart = await Side.apart(options.processes, join(folder, 'apart'), options)
  await apart.answer()
  const rates: [number, number, number][] = []
  for (let block = 0; block < options.blocks; block++) {
    rates.push([await one.train(), await several.train(), options.processes * (await apart.train())])
  }
  const [alone, together, most] = range(3).map((side) =>
    spread(rates.map((block) => block[side]!)).median.toFixed(0),
  )
  console.log(
    `samples/s: ${alone} in one process, ${together} in ${options.processes}, ${most} where they exchange nothing`,
  )
  console.log(`ratio: ${told(rates.map(([one, several]) => several / one))}`)
  console.log(`where they exchange nothing: ${told(rates.map(([one, , apart]) => apart / one))}`)
}

function told(ratios: readonly number[]): string {
  const { median, lower, upper } = spread(ratios)
  return `${median.toFixed(2)} (${lower.toFixed(2)} to ${upper.toFixed(2)})`
}

/** How far the networks in two folders are from each other: the largest difference of a weight, and of mask bits. */
async function difference(one: string, other: string): Promise<string> {
  let [largest, masks] = [0, 0]
  for (const file of ['dense', 'pruned']) {
    const [{ tensors: first }, { tensors: second }] = (await Promise.all(
      [one, other].map((folder) => readSafetensors(join(folder, `${file}.safetensors`))),
    )) as [SafetensorsFile, SafetensorsFile]
    for (const [name, { data }] of first) {
      const [a, b] = [data, second.get(name)!.data]
      if (name.endsWith('_mask')) masks += a.filter((keep, i) => keep !== b[i]).length
      else if (file === 'dense') largest = Math.max(largest, farthest(a, b))
    }
  }
  return `weights differ by ${largest.toExponential(1)} at most, ${masks} mask bits do`
}

function farthest(one: Uint8Array, other: Uint8Array): number {
  const [a, b] = [one, other].map((bytes) => new Float32Array(bytes.slice().buffer)) as [
    Float32Array,
    Float32Array,
  ]
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0)
}
