import { type ChildProcess, spawn } from 'node:child_process'
import { availableCores } from '../base/cores.js'
import { TorchPruneError } from '../base/errors.js'
import { freePort, variablesOf } from '../distributed/launcher.js'
import { EXIT } from './failure.js'

/** The signals that go on to the processes, which then end by themselves. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** How long processes have to say by themselves that another one is gone. */
const GRACE_MS = 5000

/**
 * Runs this command line in several processes of this machine that train together, and waits for them. The output is that
 * of the first one; all say what goes wrong.
 *
 * @param count how many
 * @returns the exit code of the first process that failed, 2 if one refused its input, or 0
 */
export async function launch(count: number): Promise<number> {
  if (process.env.RANK || process.env.WORLD_SIZE) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      '--nproc starts the processes itself, and RANK or WORLD_SIZE is set by another launcher: leave out one of the two',
    )
  }
  const args = childArguments(process.argv.slice(2), Math.max(1, Math.floor(availableCores() / count)))
  const port = await freePort()
  const children = Array.from({ length: count }, (_, rank) =>
    spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...args], {
      env: {
        ...process.env,
        ...variablesOf(rank, count, port),
        LOCAL_WORLD_SIZE: String(count),
      },
      stdio: rank === 0 ? 'inherit' : ['ignore', 'ignore', 'inherit'],
    }),
  )
  const pass = (signal: NodeJS.Signals) => {
    for (const child of children) child.kill(signal)
  }
  for (const signal of SIGNALS) process.on(signal, pass)
  try {
    return await firstFailure(children)
  } finally {
    for (const signal of SIGNALS) process.off(signal, pass)
  }
}

/** Waits for all processes. Once one has failed, the others get a moment to end by themselves. */
async function firstFailure(children: readonly ChildProcess[]): Promise<number> {
  let failed: number | undefined
  let timer: NodeJS.Timeout | undefined
  const killAll = () => {
    for (const child of children) child.kill('SIGKILL')
  }
  await Promise.all(
    children.map(async (child) => {
      const code = await exitOf(child)
      if (code === EXIT.done) return
      // Where one refuses its input, the others fail because it is gone, maybe sooner.
      if (failed === undefined || code === EXIT.badInput) failed = code
      // Those that were interrupted save where they stand, for as long as it takes.
      if (code !== EXIT.interrupted) timer ??= setTimeout(killAll, GRACE_MS)
    }),
  )
  clearTimeout(timer)
  return failed ?? EXIT.done
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? EXIT.failed))
  })
}

/** What each process is called with: the same, but for what is said of all of them together. */
export function childArguments(given: readonly string[], threads: number): string[] {
  const at = given.indexOf('--nproc')
  const args = given.filter((word, i) => !word.startsWith('--nproc') && (at < 0 || i !== at + 1))
  const named = args.some((word) => word === '--threads' || word.startsWith('--threads='))
  return named ? args : [...args, '--threads', String(threads)]
}
