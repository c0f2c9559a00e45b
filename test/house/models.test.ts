import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { modelNames } from '../../lib/models/index.js'
import { recipeNames } from '../../lib/recipes/registry.js'
import { MODELS_FOLDER, modelFiles, modelLists } from '../../scripts/models.js'
import { sourceOf, sources } from '../support/sources.js'

describe('a model', () => {
  it('is in the lists that npm run models writes', () => {
    const words = (text: string) => text.match(/[\w-]+/g)!.sort()
    for (const [file, wanted] of Object.entries(modelLists())) {
      expect(words(readFileSync(join(MODELS_FOLDER, file), 'utf8')), file).to.deep.equal(words(wanted))
    }
    const names = modelFiles().flatMap(({ models }) => models.map(({ name }) => name))
    expect(names).to.have.members(modelNames)
  })

  it('and a recipe are a file each: none is named elsewhere', () => {
    const recipes = readdirSync(join(MODELS_FOLDER, '../recipes/built_in'))
    expect(recipes).to.have.members(recipeNames.map((name) => `${name}.ts`))
    // Names with digits alone: 'alexnet' might be said of other things.
    const name = new RegExp(
      `'(${[...modelNames, ...recipeNames].filter((one) => /-\d/.test(one)).join('|')})'`,
    )
    const elsewhere = sources('lib', /\.ts$/)
      .filter((file) => !/^lib\/(models|recipes\/built_in)\//.test(file))
      .filter((file) => name.test(sourceOf(file)))
    expect(elsewhere).to.deep.equal([])
  })
})
