import { writeFileSync } from 'node:fs'
import { temporaryFolder } from './command.js'
import { tinyRecipe, writeTinyMnist } from './tiny.js'

/** A folder with the tiny data and recipe for the tests of a suite, and the arguments of a run into another one in it. */
export function tinyRuns() {
  const box = temporaryFolder()
  const data = box.path('mnist')
  const recipe = box.path('tiny.json')
  before(() => {
    writeTinyMnist(data)
    writeFileSync(recipe, JSON.stringify(tinyRecipe()))
  })
  after(() => box.dispose())
  const args = (out: string, ...more: string[]) => [
    ...['run', recipe, '--data', data, '--out', box.path(out), '--threads', '1', ...more],
  ]
  return { box, data, recipe, args }
}
