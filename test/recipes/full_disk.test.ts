import { existsSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect } from 'chai'
import { parseRecipe } from '../../lib/recipes/json.js'
import { type RunOptions, runRecipe } from '../../lib/recipes/run.js'
import { temporaryFolder } from '../cli/command.js'
import { tinyRecipe, writeTinyMnist } from '../cli/tiny.js'
import { fullDisk } from '../support/full_disk.js'
import { laterRefusal } from '../support/refusal.js'

describe('a run on a disk that is full', function () {
  this.timeout(60_000)
  const box = temporaryFolder()
  const recipe = parseRecipe(tinyRecipe({ denseEpochs: 2, rounds: 1, epochs: 2 }), 'tiny')
  const data = box.path('mnist')
  const run = (name: string, more: RunOptions = {}) =>
    runRecipe(recipe, { data, out: box.path(name), threads: 1, checkpointMinutes: 0, ...more })
  const model = (name: string) => readFileSync(box.path(name, 'model.safetensors'))
  before(async () => {
    writeTinyMnist(data, { train: 120, test: 20 })
    await run('whole')
  })
  after(() => box.dispose())

  it('goes on where training cannot be saved on the way, says so once, and tries again', async () => {
    const checkpoint = box.path('on', 'checkpoint')
    const told: string[] = []
    let failures = 0
    let saved = 0
    using _ = fullDisk((path) => dirname(path) === checkpoint && ++failures <= 2)
    await run('on', {
      on: {
        checkpointFailed: (error) => told.push((error as Error).message),
        saved: () => saved++,
      },
    })
    expect(told).to.have.length(1)
    expect(told[0]).to.match(/position\.safetensors: cannot be written, the disk is full; free some space/)
    expect(saved).to.be.greaterThan(1)
    expect(model('on').equals(model('whole'))).to.equal(true)
  })

  it('fails where its network cannot be saved, and goes on from its checkpoint', async () => {
    const folder = box.path('end')
    {
      let full = false
      using _ = fullDisk((path) => full && dirname(path) === folder)
      const on: RunOptions['on'] = {
        round: () => {
          full = true
        },
      }
      const { code, message } = await laterRefusal(run('end', { on }))
      expect(code).to.equal('ERR_OUTPUT')
      expect(message).to.match(
        /model\.safetensors: cannot be written, the disk is full; free some space and try again/,
      )
    }
    expect(existsSync(box.path('end', 'model.safetensors'))).to.equal(false)
    expect(existsSync(box.path('end', 'checkpoint', 'state.json'))).to.equal(true)
    await run('end', {
      resume: true,
      on: { denseEpoch: () => expect.fail('it began again'), retrainEpoch: () => expect.fail('as well') },
    })
    expect(model('end').equals(model('whole'))).to.equal(true)
  })
})
