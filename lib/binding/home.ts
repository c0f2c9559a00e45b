import { existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of this package: two levels up, from `lib/binding` as from `dist/binding`. */
export const PACKAGE = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

/** This package's own version. */
export const VERSION = (
  JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as { version: string }
).version

/** The command that builds the addon: for messages. */
export function buildCommand(): string {
  if (existsSync(join(PACKAGE, 'tsconfig.build.json'))) return 'npm run build:native'
  return `node ${relative(process.cwd(), join(PACKAGE, 'dist/binding/build.js'))}`
}
