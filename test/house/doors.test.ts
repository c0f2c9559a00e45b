import { dirname, join, normalize } from 'node:path'
import { expect } from 'chai'
import { sourceOf, sources } from '../support/sources.js'

/**
 * Scripts and examples reach the library by its doors, so that its folders may change behind them: lib/index.ts is the
 * public API, lib/internal.ts has what this repository's scripts need beyond it. A unit test mirrors a module of lib/ and
 * imports that module itself.
 */
const DOORS = ['lib/index.js', 'lib/internal.js']

function importsOfLib(file: string): string[] {
  return [...sourceOf(file).matchAll(/(?:\bfrom|\bimport) ?\(?'([^']+)'/g)]
    .map(([, path]) => path!)
    .map((path) => (path.startsWith('.') ? normalize(join(dirname(file), path)) : path))
    .filter((path) => path.startsWith('lib/'))
}

describe('the doors of lib/', () => {
  it('are all that scripts import', () => {
    const scripts = sources('scripts', /\.(ts|mjs)$/).filter((file) => !file.includes('node_modules'))
    const past = scripts.flatMap((file) =>
      importsOfLib(file)
        .filter((path) => !DOORS.includes(path))
        .map((path) => `${file} -> ${path}`),
    )
    expect(past).to.deep.equal([])
    expect(scripts.flatMap(importsOfLib)).to.include.members(DOORS)
  })

  it('are not the way for examples, which import the package as programs do', () => {
    expect(sources('examples', /\.ts$/).flatMap(importsOfLib)).to.deep.equal([])
  })

  it('open nothing that no script uses', () => {
    const names = [...sourceOf('lib/internal.ts').matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(
      ([, list]) => list!.split(',').map((name) => name.replace(/^\s*(type )?|\s*$/g, '')),
    )
    const used = sources('scripts', /\.ts$/)
      .filter((file) => importsOfLib(file).includes('lib/internal.js'))
      .map(sourceOf)
      .join()
    const unused = names.filter((name) => name !== '' && !new RegExp(`\\b${name}\\b`).test(used))
    expect(unused).to.deep.equal([])
  })
})
