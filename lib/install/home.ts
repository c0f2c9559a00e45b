import { existsSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TorchPruneError } from '../base/errors.js'

/** The folder of this package: two levels up, from `lib/install` as from `dist/install`. It holds the addon. */
export const PACKAGE = findPackage()

/** This package's own version. */
export const VERSION = versionOf(PACKAGE)!

/** The command that builds the addon: for messages. */
export function buildCommand(): string {
  if (isClone()) return 'npm run build:native'
  return `node ${relative(process.cwd(), join(PACKAGE, 'dist/install/build.js'))}`
}

/** The command that runs this package's command line: for messages. */
export function ownCommand(): string {
  return isClone() ? 'node dist/cli/main.js' : 'npx torch-prune'
}

/** Whether this is the source tree rather than the published package. */
export function isClone(): boolean {
  return existsSync(join(PACKAGE, 'tsconfig.build.json'))
}

function findPackage(): string {
  // A bundler leaves the addon behind, and `import.meta` empty where it writes CommonJS.
  const here = import.meta.url as string | undefined
  const folder = here && resolve(fileURLToPath(new URL('../..', here)))
  if (folder !== undefined && versionOf(folder) !== undefined) return folder
  throw new TorchPruneError(
    'ERR_LIBTORCH',
    'torch-prune cannot run from inside a bundle, since its native addon stays behind: keep the package external (esbuild: --external:torch-prune, webpack: externals)',
  )
}

/** The version of the torch-prune in `folder`; undefined where there is none. */
function versionOf(folder: string): string | undefined {
  try {
    const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      name: string
      version: string
    }
    return name === 'torch-prune' ? version : undefined
  } catch {
    return undefined
  }
}
