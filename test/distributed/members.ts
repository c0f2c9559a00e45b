import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { freePort, variablesOf } from '../../lib/distributed/launcher.js'
import type { Given } from './tasks.js'

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Starts a process with a task of `tasks.ts`. */
export function member(
  task: string,
  given: Given,
  env: NodeJS.ProcessEnv,
  seen?: (child: ChildProcess, stdout: string) => void,
): Promise<Ended> {
  const path = fileURLToPath(new URL('member.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx/esm', path, task, JSON.stringify(given)], {
    env: { ...process.env, OMP_NUM_THREADS: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (data) => {
    stdout += data
    seen?.(child, stdout)
  })
  child.stderr.on('data', (data) => {
    stderr += data
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}

/** What a process found. */
export function foundBy<T>({ stdout, stderr }: Ended): T {
  try {
    return JSON.parse(stdout.trim().split('\n').at(-1)!) as T
  } catch {
    throw new Error(`no result: ${stdout} ${stderr}`)
  }
}

/** Runs a task in so many processes, and returns what each found. */
export async function together<T>(size: number, task: string, given: Given = {}): Promise<T[]> {
  const port = await freePort()
  const ended = await Promise.all(
    Array.from({ length: size }, (_, rank) =>
      member(task, given, size === 1 ? {} : variablesOf(rank, size, port)),
    ),
  )
  return ended.map((each) => foundBy<T>(each))
}
