import { readFileSync } from 'node:fs'
import { appendFile, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { inspect, inspectionText } from '../../lib/cli/inspection.js'
import lenet300100 from '../../lib/recipes/built_in/lenet-300-100.js'
import { errorInterval } from '../../lib/report/interval.js'
import { readRunLog } from '../../lib/report/log.js'
import { writeReport } from '../../lib/report/report.js'
import { writeRunRecord } from '../../lib/runs/record.js'
import { all, type Element, figure, read, rows } from './read_page.js'
import { writeTinyLog, writeTinyRun } from './run_folder.js'

describe('the report of a run with a log', () => {
  let dir: string

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'torch-prune-course-'))
    await writeTinyRun(dir)
    await writeTinyLog(dir)
  })

  afterEach(() => rm(dir, { recursive: true, force: true }))

  async function page(): Promise<Element> {
    return (await read(await writeReport(dir))).page
  }

  const text = (of: Element, selector: string) => of.querySelector(selector)?.textContent

  it('says when, where, on what and with what it was made, and how to repeat it', async () => {
    const report = await page()
    const facts = all(report, '.facts span').map(({ textContent }) => textContent)
    expect(facts[0]).to.match(/^\d{4}-\d\d-\d\d \d\d:\d\d UTC$/)
    expect(facts.slice(1)).to.deep.equal([
      'workbench',
      'A Processor',
      '1 CPU thread',
      'mnist: 55,000 samples to train, 5,000 to validate, 10,000 to test',
      'seed 7',
      'torch-prune 0.1.0',
      'libtorch 2.13.0',
      'Node 20.20.2',
      'took 1s',
    ])
    expect(text(report, '.command code')).to.equal("torch-prune run tiny --out 'a b'")
    expect(rows(report.querySelector('.settings')!)).to.deep.equal([
      ['dense.epochs', '2'],
      ['dense.optimizer.kind', 'sgd'],
      ['dense.optimizer.lr', '0.1'],
      ['prune.rounds', '1'],
    ])
  })

  it('says what it can of a run whose log is older or gone', async () => {
    await rm(join(dir, 'events.jsonl'))
    const report = await page()
    expect(text(report, '.command code')).to.equal('torch-prune run tiny --seed 7 --device cpu --threads 1')
    expect(text(report, '.facts')).to.include('seed 7').and.to.not.include('UTC')
    expect(report.querySelector('.settings')).to.equal(null)
    expect(all(report, 'figure svg').map(({ id }) => id)).to.not.include('training-loss')
  })

  it('does without the training of a damaged log, and says so', async () => {
    await appendFile(join(dir, 'events.jsonl'), '{"event":"epoch"}\n')
    const report = await page()
    expect(all(report, 'figure svg').map(({ id }) => id)).to.not.include('training-loss')
    expect(text(report, 'main > .note')).to.include('events.jsonl')
  })

  it('shows each epoch of training once, and the prunings between', async () => {
    const log = await readRunLog(dir)
    expect(
      log!.stages.map(({ name, before, epochs }) => [name, before, epochs.map(({ loss }) => loss)]),
    ).to.deep.equal([
      ['dense', 0, [0.5, 0.3]],
      ['round 1', 2, [0.41, 0.35]],
    ])
    const report = await page()
    const error = figure(report, 'training-error')
    expect(rows(error)).to.deep.equal([
      ['dense', '100.0%', '2', '3.00%', '4s'],
      ['round 1', '22.7%', '2', '1.70%', '4s'],
    ])
    const titles = all(error, 'svg title').map(({ textContent }) => textContent)
    expect(titles).to.include.members(['round 1: pruned to 22.7%', 'round 1: 1.70% after epoch 4'])
    const loss = figure(report, 'training-loss')
    expect(rows(loss)).to.deep.equal([
      ['dense', '2', '0.1', '0.05', '0.5', '0.3'],
      ['round 1', '2', '0.1', '0.05', '0.41', '0.35'],
    ])
    expect(all(loss, 'svg title').map(({ textContent }) => textContent)).to.include(
      'round 1: 0.350 after epoch 4',
    )
  })

  it('says whether the change of the error may be chance, and keeps the axis near the result', async () => {
    const error = figure(await page(), 'error')
    expect(text(error, 'figcaption')).to.include(
      "The change of the test error, −0.10 points, is within the 95% interval of the dense network's error on " +
        '10,000 images, 1.37% to 1.87%: it may be chance.',
    )
    expect(text(error, 'figcaption')).to.match(/The error before retraining leaves the chart above [12]\.\d%/)
    const titles = all(error, 'svg title').map(({ textContent }) => textContent)
    expect(titles).to.include("95% interval of the dense network's test error: 1.37% to 1.87%")
    expect(titles).to.include('test, retrained: 1.50% at 22.7%')
    // 20% is far outside, and has no point.
    expect(titles.join('\n')).to.not.match(/before retraining: 20/)
  })

  it('has the bytes of the real files, and of no other', async () => {
    const report = await page()
    const file = readFileSync(join(dir, 'model.safetensors'))
    const row = rows(figure(report, 'files')).find(([name]) => name === 'model.safetensors')!
    expect(row.slice(0, 4)).to.deep.equal([
      'model.safetensors',
      'retrained',
      file.length.toLocaleString('en'),
      `${Number((200 / file.length).toFixed(1))}×`,
    ])
    expect(Number(row[4]!.replace(',', ''))).to.be.closeTo(gzipSync(file).length, 20)
    expect((await stat(join(dir, 'reference.safetensors'))).size).to.be.greaterThan(0)
    const [size] = all(report, '.highlights dt').map(({ textContent }) => textContent)
    expect(size).to.match(/^times smaller: with biases \/ weights alone \/ as stored, in /)
    expect(all(report, '.highlights dd')[0]!.textContent).to.match(/^4\.2× \/ 4\.4× \/ 0\.\d×$/)
  })

  it('sets bits by layer beside those of Deep Compression, and weights before and after sharing', async () => {
    const record = await writeTinyRun(dir, { names: ['fc1', 'fc2'], paper: lenet300100.paper })
    const layer = (name: string, bytes: number) => ({
      ...{ name, values: 8, bits: 3, entropy: 2.04, gapBits: 5, gapEntropy: 2.7, bytes },
    })
    const model = readFileSync(join(dir, 'model.safetensors'))
    await writeFile(join(dir, 'quantized.safetensors'), model)
    await writeFile(join(dir, 'model.tpz'), 'coded')
    await writeRunRecord(dir, {
      ...record,
      quantized: {
        ...{ top1Error: 1.55, validationError: 1.7, bytes: 30, ratio: 200 / 30 },
        layers: [layer('fc1', 12), layer('fc2', 6)],
      },
      coded: { top1Error: 1.55, profile: 'compact', bytes: 5, ratio: 40 },
    })
    const report = await page()
    const [summary, , bits] = all(report, '.tables table')
    expect(rows(summary!).slice(-3)).to.deep.equal([
      ['top-1 error, quantized', '1.58%', '1.55%'],
      ['top-1 error, model.tpz', '1.58%', '1.55%'],
      ['bytes, model.tpz', '27K, 40×', '5, 40×'],
    ])
    expect(all(bits!, 'thead th[scope="colgroup"]').map(({ textContent }) => textContent)).to.deep.equal([
      'here',
      'paper',
    ])
    expect(rows(bits!)).to.deep.equal([
      ['fc1', '8', '3 → 2.0', '5 → 2.7', '12', '8.33%', '6 → 4.4', '5 → 3.7', '3.1 → 2.32%'],
      ['fc2', '8', '3 → 2.0', '5 → 2.7', '6', '18.75%', '6 → 4.4', '5 → 4.3', '3.8 → 3.04%'],
      ['total', '', '', '', '30', '15.00%', '', '', '3.1 → 2.49%'],
      ['model.tpz', '', '', '', '5', '2.50%', '', '', ''],
    ])
    const inspected = inspectionText(await inspect(dir))
    expect(inspected).to.match(
      /^layer .* here values +bits +gap bits +bytes +of dense +│ +paper bits +gap bits/m,
    )
    expect(inspected).to.match(
      /^fc1 +│ +8 +3 → 2\.0 +5 → 2\.7 +12 +8\.33% +│ +6 → 4\.4 +5 → 3\.7 +3\.1 → 2\.32%$/m,
    )
    const weights = figure(report, 'weights-1')
    expect(all(weights, 'thead th').map(({ textContent }) => textContent)).to.deep.equal([
      'from',
      'to',
      'dense',
      'pruned',
      'retrained',
      'quantized',
    ])
    const errors = all(report, '.highlights dd')[2]!.textContent
    expect(errors).to.equal('1.60% → 1.50% → 1.55%')
  })
})

describe('the interval of an error', () => {
  it("is Wilson's", () => {
    // 10 of 100, as in tables of binomial intervals.
    const [low, high] = errorInterval(10, 100)
    expect(low).to.be.closeTo(5.52, 0.005)
    expect(high).to.be.closeTo(17.44, 0.005)
    expect(errorInterval(0, 100)[0]).to.equal(0)
    expect(errorInterval(100, 50)[1]).to.equal(100)
  })
})
