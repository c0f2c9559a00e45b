import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readSafetensors, type TensorBytes } from '../../lib/index.js'
import { type Python, referenceScript } from '../lenet/python.js'
import type { Flags } from '../network/side.js'

/** The output of a script that trains in Python. */
export interface RivalRun {
  readonly tensors: ReadonlyMap<string, TensorBytes>
  readonly torch: string
  readonly losses: readonly number[]
  readonly seconds: number
}

/** The output of scripts/reference/compare_lenet.py. */
export interface LeNetRun extends RivalRun {
  readonly top1Error: number
}

/** Runs scripts/reference/compare_lenet.py or compare_training.py on a task. */
export async function runRival<Run extends RivalRun>(
  python: Python,
  name: 'compare_lenet.py' | 'compare_training.py',
  task: { readonly folder: string },
  flags: Flags,
): Promise<Run> {
  const script = referenceScript(name)
  const options = Object.entries({ folder: task.folder, ...flags })
  const child = spawn(
    python.command,
    [script, ...options.flatMap(([flag, value]) => [`--${flag}`, String(value)])],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  )
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  if (code !== 0) throw new Error(`${script} ended with exit code ${code}`)
  const { tensors } = await readSafetensors(join(task.folder, 'python.safetensors'))
  return { ...JSON.parse(await readFile(join(task.folder, 'python.json'), 'utf8')), tensors }
}
