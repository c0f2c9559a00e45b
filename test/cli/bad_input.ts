import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { expectRefused, temporaryFolder } from './command.js'
import { tinyRecipe, writeTinyMnist } from './tiny.js'

/** Every file below a folder, with its contents' digest. */
function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true })
  return Object.fromEntries(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name)
      const digest = entry.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : 'folder'
      return [path, digest]
    }),
  )
}

/** A folder with the tiny data and recipe, and the refusals of bad input there, which change nothing in it. */
export function badInput() {
  const box = temporaryFolder()
  const data = box.path('mnist')
  const recipe = box.path('tiny.json')
  const out = box.path('out')

  /** Expects a one-line refusal that leaves every file as it was. */
  const refused = async (args: readonly string[], message: RegExp) => {
    const files = contents(box.path())
    await expectRefused(args, message)
    expect(contents(box.path())).to.deep.equal(files)
  }
  /** The arguments of a run of the tiny recipe, with more after them. */
  const run = (...more: string[]) => ['run', recipe, '--data', data, '--out', out, ...more]
  /** Writes a file there; its path. */
  const write = (name: string, content: string | Uint8Array) => {
    writeFileSync(box.path(name), content)
    return box.path(name)
  }
  /** Writes the tiny recipe with a change; its path. */
  const variant = (change: (recipe: ReturnType<typeof tinyRecipe>) => unknown) =>
    write('variant.json', JSON.stringify(change(tinyRecipe())))

  before(() => {
    writeTinyMnist(data)
    write('tiny.json', JSON.stringify(tinyRecipe()))
  })
  after(() => box.dispose())
  return { box, data, recipe, out, refused, run, write, variant }
}
