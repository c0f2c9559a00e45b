import { fileURLToPath } from 'node:url'
import { type Python, referenceScript } from '../lenet/python.js'
import { type Flags, Side } from './side.js'

/**
 * The sides: ours, pruned, by masks or with kept weights alone where layers are linear; Python with torch.nn.utils.prune,
 * dense, or dense with its fused SGD.
 */
export const MODES = ['ours', 'sparse', 'prune', 'dense', 'fused'] as const
/** A side of a comparison. */
export type Mode = (typeof MODES)[number]

/** The minimum that `run N` and `cache` answer. */
export interface Timed {
  readonly seconds: number
}

/** Starts a side of the comparison in a process of its own: ours.ts, or scripts/reference/compare_network.py. */
export function compareSide(mode: Mode, python: Python, flags: Flags): Promise<Side> {
  if (mode !== 'ours' && mode !== 'sparse') {
    return Side.start(python.command, [referenceScript('compare_network.py')], { ...flags, mode })
  }
  const script = fileURLToPath(new URL('ours.ts', import.meta.url))
  return Side.start(process.execPath, ['--import=tsx/esm', script], {
    ...flags,
    sparse: mode === 'sparse' ? 'on' : 'off',
  })
}
