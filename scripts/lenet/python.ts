import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { TorchPruneError } from '../../lib/base/errors.js'
import { findAddon } from '../../lib/install/addon_files.js'
import { PACKAGE } from '../../lib/install/home.js'

/** A Python with PyTorch, and the version of that. */
export interface Python {
  readonly command: string
  readonly torch: string
}

const MODULES = ['numpy', 'safetensors']

/**
 * The Python that the rivals run in: `TORCH_PRUNE_PYTHON`, else `python3`. Its torch must be the release that
 * our addon runs on, or the two sides would not do the same work: unless `anyRelease`, for what torch does not compute.
 * `modules` are needed beside torch, numpy and safetensors.
 *
 * @throws TorchPruneError `ERR_FILE`, one line with the fix.
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
      `${command} has torch ${torch}, the addon libtorch ${ours}: ${fix}`,
    )
  }
  return { command, torch }
}

export function referenceScript(name: string): string {
  return join(PACKAGE, 'scripts/reference', name)
}

/** `2.13.0` of `2.13.0+cpu`. */
function release(version: string): string {
  return version.split('+')[0]!
}
