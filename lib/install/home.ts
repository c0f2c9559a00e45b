import { existsSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TorchPruneError } from '../base/errors.js'

/**
 * The folder of this package, which contains the addon: two levels up, both from `lib/install` and from `dist/install`.
 */
export const PACKAGE = findPackage()

/** This package's own version. */
export const VERSION = versionOf(PACKAGE)!

/** The command that builds the addon, for messages. */
export function buildCommand(): string {
  if (isClone()) return 'npm run build:native'
  return `node ${relative(process.cwd(), join(PACKAGE, 'dist/install/build.js'))}`
}

/** The command that runs this package's command line, for messages. */
export function ownCommand(): string {
  return isClone() ? 'node dist/cli/main.js' : 'npx torch-prune'
}

/** Whether this is the source tree rather than the published package. */
export function isClone(): boolean {
  return existsSync(join(PACKAGE, 'tsconfig.build.json'))
}

function findPackage(): string {
  // A bundler does not copy the addon, and leaves `import.meta` empty if it emits CommonJS.
  const here = import.meta.url as string | undefined
  const folder = here && resolve(fileURLToPath(new URL('../..', here)))
  if (folder !== undefined && versionOf(folder) !== undefined) return folder
  throw new TorchPruneError(
    'ERR_LIBTORCH',
    'torch-prune cannot run from inside a bundle, since a bundle does not contain its native addon: keep the package external (esbuild: --external:torch-prune, webpack: externals)',
  )
}

/** The version of torch-prune in `folder`; undefined if it is not there. */
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
