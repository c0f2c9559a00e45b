import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { refusal } from '../support/refusal.js'
import { runScript } from './child.js'
import { addon, forgetHandles, handle, makeSpliced } from './handles.js'
import { RIGHT } from './right_arguments.js'

describe('the addon', () => {
  it('exports what its TypeScript contract says', () => {
    expect(Object.keys(addon)).to.have.members(Object.keys(RIGHT))
  })

  it('answers wrong arguments with errors that have a code, and never ends the process', async () => {
    const file = join(tmpdir(), `torch-prune-misuse-${process.pid}.txt`)
    const seed = Date.now() % 2 ** 31
    const { code, signal, stdout, stderr } = await runScript('fuzz.ts', '2000', String(seed), file)
    const story = `${stdout.slice(-2000)}\n${stderr.slice(-4000)}\nthe last call: ${readFileSync(file)}`
    expect({ code, signal }, story).to.deep.equal({ code: 0, signal: null })
    expect(JSON.parse(stdout)).to.deep.equal({ steps: 2, right: true, refused: true, accepted: true })
  })

  it('keeps a dataset that reading its indices disposes of, until the call is over', () => {
    const dataset = handle('dataset')
    const indices = Object.defineProperty([0, 1], 1, {
      get() {
        addon.datasetDispose(dataset)
        return 1
      },
    })
    const [images] = addon.datasetBatch(dataset, indices, 'cpu')
    expect(addon.tensorDescribe(images).shape[0]).to.equal(2)
    expect(refusal(() => addon.datasetBatch(dataset, [0], 'cpu')).code).to.equal('ERR_DISPOSED')
    forgetHandles()
  })

  describe('takes numbers as large as they come', () => {
    // The contract says numbers, and a bigint passes as one.
    const largest = (2n ** 63n - 1n) as unknown as number
    before(makeSpliced)
    afterEach(forgetHandles)

    it('as the size of a batch', async () => {
      const options = { batchSize: largest }
      const evaluated = await addon.evaluationStart(handle('network'), handle('dataset'), options).promise
      expect(evaluated?.samples).to.equal(6)
      await addon.datasetCheck(handle('packed'), options).promise
      const trainer = addon.trainerMake(handle('network'), handle('optimizer'), handle('dataset'), options)
      const trained = await addon.trainerRun(trainer, { rates: [0.1] }).promise
      expect(trained).to.include({ steps: 1, samples: 6 })
    })

    it('and refuses them as a number of variants, and as counts what is no whole number', async () => {
      const [cached, data, options] = RIGHT.prefixStart()
      const variants = { ...options, variants: largest }
      expect(refusal(() => addon.prefixStart(cached, data, variants)).code).to.equal('ERR_MEMORY')
      for (const keep of [Number.NaN, 1e300, 0.5]) {
        const [spliced, splicing] = RIGHT.spliceOnce()
        const error = refusal(() => addon.spliceOnce(spliced, { ...splicing, keep: [keep] }))
        expect(error.code, String(keep)).to.equal('ERR_ARGUMENT')
      }
    })
  })
})
