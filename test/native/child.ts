import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a script of this folder in a Node of its own, and says how it ended. */
export function runScript(script: string, ...args: string[]): Promise<Ended> {
  return runScriptUnder({}, script, ...args)
}

/** The same with variables added to the environment. */
export function runScriptUnder(
  variables: Readonly<Record<string, string>>,
  script: string,
  ...args: string[]
): Promise<Ended> {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const flags = script.endsWith('.ts') ? ['--import', 'tsx/esm'] : []
  const child = spawn(process.execPath, [...flags, path, ...args], {
    env: { ...process.env, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (data) => {
    stdout += data
  })
  child.stderr.on('data', (data) => {
    stderr += data
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}
