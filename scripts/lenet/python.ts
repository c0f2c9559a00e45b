import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { TorchPruneError } from '../../lib/index.js'
import { findAddon, PACKAGE } from '../../lib/internal.js'

/** A Python with PyTorch, and PyTorch's version. */
export interface Python {
  readonly command: string
  readonly torch: string
}

const MODULES = ['numpy', 'safetensors']

/**
 * Finds the Python that runs the rivals: `TORCH_PRUNE_PYTHON`, else `python3`. Its torch must be the release that our
 * addon runs on, otherwise the two sides would not do the same work. `anyRelease` lifts this requirement for work that
 * torch does not compute. `modules` are needed in addition to torch, numpy and safetensors.
 *
 * @throws TorchPruneError `ERR_FILE`, one line that says how to fix it.
 */
export function findPython({ anyRelease = false, modules = [] as readonly string[] } = {}): Python {
  const needed = [...MODULES, ...modules]
  const command = process.env.TORCH_PRUNE_PYTHON || 'python3'
  const ours = release(findAddon().record.libtorch)
  const fix =
    `make one with: python3 -m venv .venv && .venv/bin/pip install torch==${ours} ${needed.join(' ')}; ` +
    'then set TORCH_PRUNE_PYTHON=.venv/bin/python'
  const { error, status, stdout, stderr } = spawnSync(
    command,
    ['-c', `import ${needed.join(', ')}, torch; print(torch.__version__)`],
    { encoding: 'utf8' },
  )
  if (error !== undefined || status !== 0) {
    const reason = error?.message ?? stderr.trim().split('\n').at(-1)
    throw new TorchPruneError('ERR_FILE', `${command} cannot run PyTorch (${reason}): ${fix}`)
  }
  const torch = stdout.trim()
  if (!anyRelease && release(torch) !== ours) {
    throw new TorchPruneError(
      'ERR_FILE',
      `${command} has torch ${torch}, but the addon has libtorch ${ours}: ${fix}`,
    )
  }
  return { command, torch }
}

/** The path of a script in scripts/reference. */
export function referenceScript(name: string): string {
  return join(PACKAGE, 'scripts/reference', name)
}

/** The release of a version: `2.13.0` of `2.13.0+cpu`. */
function release(version: string): string {
  return version.split('+')[0]!
}
