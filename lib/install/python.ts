import { spawnSync } from 'node:child_process'

/** The commands to try for Python, in order. */
const NAMES = ['python3', 'python'] as const

// find_spec reads no code of torch, whereas importing it would take seconds and load a libtorch. The empty entry of
// sys.path is the current directory, where a folder named torch is not the package.
const LOCATE = `
import importlib.util, os, sys
sys.path[:] = [entry for entry in sys.path if entry]
spec = importlib.util.find_spec('torch')
print(os.path.dirname(spec.origin) if spec and spec.origin else '')
`

/** The folder of the torch package of the first Python on the PATH; null without Python or torch. */
export function pythonTorch(): string | null {
  for (const name of NAMES) {
    const { status, stdout } = spawnSync(name, ['-c', LOCATE], { encoding: 'utf8' })
    if (status !== 0) continue
    return stdout.trim() || null
  }
  return null
}

/** The first Python on the PATH that has pip; null if there is none. */
export function pythonWithPip(): string | null {
  const hasPip = (name: string) => spawnSync(name, ['-m', 'pip', '--version']).status === 0
  return NAMES.find(hasPip) ?? null
}
