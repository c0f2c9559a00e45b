import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { kinds } from '../../lib/nn/layers/all.js'
import { kindFiles, LAYERS_FOLDER, layerLists } from '../../scripts/layers.js'
import { sourceOf, sources } from '../support/sources.js'

/** Words that are the name of a kind and mean something else. */
const OTHERS: readonly (readonly [file: string, word: string])[] = [
  // Schedules of densities.
  ['lib/prune/schedule.ts', 'linear'],
  ['lib/prune/options.ts', 'linear'],
  ['lib/prune/splicing.ts', 'linear'],
  // A scale of a chart.
  ['lib/report/figures/sensitivity.ts', 'linear'],
  // What oneDNN's operator calls the clamp that follows a convolution.
  ['native/infer/packed.cc', 'relu'],
]

/**
 * Folders that may name kinds; tensors have operators of the same names, and coded files run where there is no native
 * code.
 */
const HOMES = /^(lib\/(nn\/layers|coded\/layers|models|recipes|tensor)|native\/layers)\//

describe('a kind of layer', () => {
  it('is named in its own files alone', () => {
    const quoted = new RegExp(`(['"])(${Object.keys(kinds).join('|')})\\1`, 'g')
    const found = [...sources('lib', /\.ts$/), ...sources('native', /\.(cc|h)$/)]
      .filter((file) => !HOMES.test(file))
      .flatMap((file) => {
        const words = [...sourceOf(file).matchAll(quoted)].map(([, , word]) => word!)
        return [...new Set(words)].map((word) => [file, word] as const)
      })
      .filter(([file, word]) => !OTHERS.some(([other, meant]) => other === file && meant === word))
    expect(found).to.deep.equal([])
  })

  it('has a file on either side', () => {
    const here = kindFiles()
    expect(here.map(({ kind }) => kind)).to.have.members(Object.keys(kinds))
    const registered = sources('native/layers', /\.cc$/).flatMap((file) => {
      const [, kind] = /^const LayerKind k\w+\("(\w+)"/m.exec(sourceOf(file)) ?? []
      return kind === undefined ? [] : [`${kind} ${file}`]
    })
    expect(registered).to.have.members(here.map(({ kind, file }) => `${kind} native/layers/${file}.cc`))
  })

  it('is in the lists that npm run layers writes', () => {
    const names = (text: string) => [...text.matchAll(/'\.\/(\w+)\.js'/g)].map(([, name]) => name)
    for (const [file, wanted] of Object.entries(layerLists())) {
      const written = readFileSync(join(LAYERS_FOLDER, file), 'utf8')
      expect([...names(written)].sort(), file).to.deep.equal([...names(wanted)].sort())
    }
  })
})
