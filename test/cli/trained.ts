import { readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { type Outcome, temporaryFolder, torchPrune } from './command.js'
import { tinyRecipe, writeTinyMnist } from './tiny.js'

/** A run of the tiny recipe in a folder of its own, which is there before the tests and gone after them. */
export function trainedRun() {
  const box = temporaryFolder()
  const recipe = box.path('tiny.json')
  const common = ['--data', box.path('mnist'), '--threads', '1']
  const done = async (args: readonly string[]): Promise<Outcome> => {
    const outcome = await torchPrune(args)
    expect(outcome).to.include({ code: 0, stderr: '' })
    // Lines with paths or with options to paste may be longer than a terminal.
    const lines = outcome.stdout.split('\n').filter((line) => !/\/|--/.test(line))
    for (const line of lines) expect(line.length, line).to.be.below(80)
    return outcome
  }
  before(async () => {
    writeTinyMnist(box.path('mnist'))
    writeFileSync(recipe, JSON.stringify(tinyRecipe()))
    await done(['run', recipe, '--out', box.path('run'), ...common])
  })
  after(() => box.dispose())
  return {
    box,
    recipe,
    weights: box.path('run', 'reference.safetensors'),
    model: box.path('run', 'model.safetensors'),
    common,
    /** Runs a command that is to succeed. */
    done,
    json: (...path: string[]) => JSON.parse(readFileSync(box.path(...path), 'utf8')),
  }
}
