import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { readBench, writeBench } from '../../lib/runs/bench_record.js'
import { readSensitivity, writeSensitivity } from '../../lib/runs/sensitivity_record.js'
import { readTradeoff, writeTradeoff } from '../../lib/runs/tradeoff_record.js'
import { laterRefusal } from '../support/refusal.js'
import { benchExample, sensitivityExample, tradeoffExample } from './studies.js'

describe('sensitivity.json, tradeoff.json and bench.json', () => {
  let dir: string

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'torch-prune-studies-'))
  })

  afterEach(() => rm(dir, { recursive: true, force: true }))

  it('come back as they were written', async () => {
    await writeSensitivity(dir, sensitivityExample)
    await writeTradeoff(dir, tradeoffExample)
    expect(await readSensitivity(dir)).to.deep.equal(sensitivityExample)
    expect(await readTradeoff(dir)).to.deep.equal(tradeoffExample)
    await writeBench(dir, benchExample)
    expect(await readBench(dir)).to.deep.equal(benchExample)
  })

  it('are undefined where they are not', async () => {
    expect(await readSensitivity(dir)).to.equal(undefined)
    expect(await readTradeoff(dir)).to.equal(undefined)
    expect(await readBench(dir)).to.equal(undefined)
  })

  it('are refused at writing where a field is impossible, and nothing is written', async () => {
    const wrong = { ...sensitivityExample, validationErrorDense: 101 }
    const sensitivity = await laterRefusal(writeSensitivity(dir, wrong))
    expect(sensitivity.code).to.equal('ERR_ARGUMENT')
    expect(sensitivity.message).to.match(/validationErrorDense: .*<=100; correct that field$/)
    const [curve] = tradeoffExample.curves
    const fewer = { ...tradeoffExample, curves: [{ ...curve!, seeds: [0] }] }
    const tradeoff = await laterRefusal(writeTradeoff(dir, fewer))
    expect(tradeoff.message).to.include('curves.0.points: a point needs a loss for each seed')
    const { dense: _, ...others } = benchExample.engines
    const bench = await laterRefusal(writeBench(dir, { ...benchExample, engines: others }))
    expect(bench.message).to.include('engines: the dense engine is missing')
    expect(await readdir(dir)).to.deep.equal([])
  })

  for (const [what, text, says] of [
    ['half a file', '{"schema":1,', /half-written or damaged; make it again, or delete it$/],
    ['another schema', JSON.stringify({ ...sensitivityExample, schema: 2 }), /is damaged: schema: /],
    ['a density outside 0..1', JSON.stringify(sensitivityExample).replace('0.5', '1.5'), /layers\.0\.points/],
  ] as const) {
    it(`refuses ${what}`, async () => {
      await writeFile(join(dir, 'sensitivity.json'), text)
      const error = await laterRefusal(readSensitivity(dir))
      expect(error.code).to.equal('ERR_FILE')
      expect(error.message).to.match(says)
    })
  }
})
