import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PACKAGE } from '../../lib/install/home.js'

/** The files of a folder of the package and of all folders in it, by their paths from the package. */
export function sources(folder: string, ending: RegExp): string[] {
  return readdirSync(join(PACKAGE, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => ending.test(file))
    .map((file) => join(folder, file))
}

/** The text of one of them. */
export function sourceOf(file: string): string {
  return readFileSync(join(PACKAGE, file), 'utf8')
}
