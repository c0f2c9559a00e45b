import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Given } from './tasks.js'

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A port that nobody listens at. */
export function freePort(): Promise<number> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.on('error', reject)
    server.listen(0, () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

/** The variables of a launcher. */
export const variables = (rank: number, size: number, port: number, address = '127.0.0.1') => ({
  RANK: String(rank),
  WORLD_SIZE: String(size),
  LOCAL_RANK: String(rank),
  MASTER_ADDR: address,
  MASTER_PORT: String(port),
})

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
      member(task, given, size === 1 ? {} : variables(rank, size, port)),
    ),
  )
  return ended.map((each) => foundBy<T>(each))
}
