import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { PACKAGE } from '../../lib/install/home.js'

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Sees the process and each piece of its output. */
  readonly onOutput?: (child: ChildProcess, stdout: string) => void
}

/** Runs the built command line as a user does, in a process of its own: from its sources it would start in seconds. */
export function torchPrune(args: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  const { cwd = PACKAGE, env, onOutput } = options
  const child = spawn(process.execPath, [join(PACKAGE, 'dist/cli/main.js'), ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stderr.on('data', (text) => {
    stderr += text
  })
  child.stdout.on('data', (text) => {
    stdout += text
    onOutput?.(child, stdout)
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}

/** Runs a command, and stops it once its output matches. */
export function stopAt(line: RegExp, signal: NodeJS.Signals, args: readonly string[]): Promise<Outcome> {
  let sent = false
  return torchPrune(args, {
    onOutput(child, stdout) {
      if (sent || !line.test(stdout)) return
      sent = true
      child.kill(signal)
    },
  })
}

/** Expects that a command was refused: one line that matches, exit code 2, nothing else. */
export async function expectRefused(args: readonly string[], message: RegExp, options: CommandOptions = {}) {
  const { code, stdout, stderr } = await torchPrune(args, options)
  expect(stderr).to.match(/^torch-prune: [^\n]+\n$/)
  expect(stderr).to.match(message)
  expect(stdout).to.equal('')
  expect(code).to.equal(2)
}

/** A temporary folder that goes with its `dispose`. */
export function temporaryFolder(): { path: (...names: string[]) => string; dispose: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'torch-prune-cli-'))
  return {
    path: (...names) => join(folder, ...names),
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  }
}
