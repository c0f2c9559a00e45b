import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readSafetensors } from '../../lib/formats/safetensors.js'
import type { TensorBytes } from '../../lib/tensor/bytes.js'
import { type Python, referenceScript } from '../lenet/python.js'
import type { Task } from '../lenet/task.js'

/** The output of scripts/reference/compare_lenet.py. */
export interface RivalRun {
  readonly tensors: ReadonlyMap<string, TensorBytes>
  readonly torch: string
  readonly losses: readonly number[]
  readonly seconds: number
  readonly top1Error: number
}

/** The optimizers of Python's side: the looped or the fused SGD. */
export type RivalOptimizer = 'sgd' | 'fused'

/** Runs scripts/reference/compare_lenet.py on a task. */
export async function runRival(
  python: Python,
  task: Task,
  options: { readonly optimizer: RivalOptimizer; readonly threads: number; readonly steps: number },
): Promise<RivalRun> {
  const script = referenceScript('compare_lenet.py')
  const flags = Object.entries({ folder: task.folder, model: task.model, ...options })
  const child = spawn(
    python.command,
    [script, ...flags.flatMap(([flag, value]) => [`--${flag}`, String(value)])],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  )
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  if (code !== 0) throw new Error(`${script} ended with exit code ${code}`)
  const { tensors } = await readSafetensors(join(task.folder, 'python.safetensors'))
  return { ...JSON.parse(await readFile(join(task.folder, 'python.json'), 'utf8')), tensors }
}
