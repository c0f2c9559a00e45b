import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import sharp from 'sharp'
import lenet300100 from '../../lib/recipes/built_in/lenet-300-100.js'
import { renderPage } from '../../lib/report/page.js'
import { writeReport } from '../../lib/report/report.js'
import { writeBench } from '../../lib/runs/bench_record.js'
import { writeSensitivity } from '../../lib/runs/sensitivity_record.js'
import { writeThresholds } from '../../lib/runs/thresholds_record.js'
import { writeTradeoff } from '../../lib/runs/tradeoff_record.js'
import { memory } from '../../lib/tensor/index.js'
import { laterRefusal } from '../support/refusal.js'
import { all, type Element, figure, parsed, read, rows } from './read_page.js'
import { writeTinyRun } from './run_folder.js'
import { benchExample, sensitivityExample, tradeoffExample } from './studies.js'

describe('the report', () => {
  let dir: string

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'torch-prune-report-'))
  })

  afterEach(() => rm(dir, { recursive: true, force: true }))

  it("has the run's figures and tables, and says where it is", async () => {
    await writeTinyRun(dir)
    const path = await writeReport(dir)
    expect(path).to.equal(join(dir, 'report.html'))
    const { page } = await read(path)
    expect(page.querySelector('h1')?.textContent).to.equal('tiny')
    expect(all(page, 'figure svg').map(({ id }) => id)).to.have.members([
      'error',
      'files',
      'neurons',
      'energy',
      'pattern',
      'pattern-pixels',
      'weights-1',
      'weights-2',
    ])
    const [summary, layers] = all(page, '.tables table')
    expect(rows(summary!)).to.deep.include(['parameters, pruned', '12'])
    expect(rows(layers!)[0]).to.deep.equal(['fc1', '36', '72', '50.0', '19.4', '19.4'])
  })

  it('has the numbers of the networks', async () => {
    await writeTinyRun(dir)
    const { page } = await read(await writeReport(dir))
    // Neuron 3 of the first layer has no way in, neuron 1 none out.
    expect(rows(figure(page, 'neurons'))).to.deep.equal([
      ['fc1', '4', '1', '1', '2'],
      ['fc2', '2', '0', '0', '2'],
    ])
    expect(rows(figure(page, 'pattern')).map(([, kept]) => kept)).to.deep.equal(['2', '4', '1'])
    expect(rows(figure(page, 'pattern-pixels'))).to.deep.equal([
      ['1', '1', '1', '0'],
      ['2', '0', '3', '1'],
      ['3', '0', '1', '0'],
    ])
    const histogram = rows(figure(page, 'weights-1'))
    for (const stage of [2, 3, 4]) {
      const sum = histogram.reduce((total, row) => total + Number.parseFloat(row[stage]!), 0)
      expect(sum).to.be.closeTo(100, 0.5)
    }
  })

  it("puts the paper's table beside the run's where the record holds it", async () => {
    await writeTinyRun(dir, { paper: lenet300100.paper })
    const { page } = await read(await writeReport(dir))
    const [summary, layers] = all(page, '.tables table')
    expect(rows(summary!)[0]).to.deep.equal(['top-1 error, dense', '1.64%', '1.60%'])
    expect(rows(layers!)[0]!.slice(3, 6)).to.deep.equal(['38', '8', '8'])
  })

  it('loads nothing and runs nothing', async () => {
    await writeTinyRun(dir)
    const { text, page } = await read(await writeReport(dir))
    expect(all(page, 'script,link,iframe,object,embed')).to.have.length(0)
    expect(text.replaceAll('http://www.w3.org/2000/svg', '')).to.not.match(/https?:|\/\/|@import/)
    const policy = page.querySelector('meta[http-equiv="Content-Security-Policy"]')
    expect(policy?.getAttribute('content')).to.match(/^default-src 'none';/)
    for (const image of all(page, 'image')) expect(image.getAttribute('href')).to.match(/^data:image\/png/)
  })

  it('says in words and tables what each chart shows, under ids that are unique', async () => {
    await writeTinyRun(dir)
    await writeSensitivity(dir, sensitivityExample)
    await writeTradeoff(dir, tradeoffExample)
    await writeBench(dir, benchExample)
    const { page } = await read(await writeReport(dir))
    const ids = all(page, '[id]').map(({ id }) => id)
    expect(new Set(ids).size).to.equal(ids.length)
    for (const each of all(page, 'figure')) {
      const svg = each.querySelector('svg')!
      expect(svg.getAttribute('role')).to.equal('img')
      const named = svg.getAttribute('aria-labelledby')!.split(' ')
      for (const id of named) expect(svg.querySelector(`[id="${id}"]`)?.textContent).to.match(/\S/)
      expect(rows(each).length, svg.id).to.be.greaterThan(0)
      const columns = all(each, 'thead tr:last-child th').length
      for (const row of rows(each)) expect(row).to.have.length(columns)
    }
  })

  it('escapes names that come out of files', async () => {
    const names = ['<script>alert(1)</script>', '"&\'</svg>'] as const
    await writeTinyRun(dir, { recipe: '</title><img src=x>', names })
    const { page } = await read(await writeReport(dir))
    expect(all(page, 'script,img')).to.have.length(0)
    expect(page.querySelector('h1')?.textContent).to.equal('</title><img src=x>')
    expect(rows(figure(page, 'neurons')).map(([name]) => name)).to.deep.equal(names)
    expect(figure(page, 'weights-1').querySelector('title')?.textContent).to.equal(`Weights of ${names[0]}`)
  })

  it('comes with each chart as an SVG and a PNG file, and its numbers as CSV', async () => {
    await writeTinyRun(dir)
    const { page } = await read(await writeReport(dir))
    const ids = all(page, 'figure svg').map(({ id }) => id)
    const files = await readdir(join(dir, 'figures'))
    expect(files).to.have.members(ids.flatMap((id) => [`${id}.svg`, `${id}.png`, `${id}.csv`]))
    const links = all(figure(page, 'neurons'), '.files a').map((link) => link.getAttribute('href'))
    expect(links).to.deep.equal(['figures/neurons.svg', 'figures/neurons.png', 'figures/neurons.csv'])
    const csv = await readFile(join(dir, 'figures', 'neurons.csv'), 'utf8')
    expect(csv.split('\n').slice(0, 2)).to.deep.equal([
      'layer,neurons,no incoming weight,no outgoing weight,alive',
      'fc1,4,1,1,2',
    ])
    const svg = await readFile(join(dir, 'figures', 'pattern.svg'), 'utf8')
    expect(svg).to.match(/^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"[^>]*><style>/)
    expect(svg).to.include('prefers-color-scheme:dark')
    const { data, info } = await sharp(join(dir, 'figures', 'pattern.png'))
      .raw()
      .toBuffer({ resolveWithObject: true })
    expect(info.width).to.equal(1800)
    // On white, and with something drawn in the green of retrained networks.
    expect([...data.subarray(0, 3)]).to.deep.equal([255, 255, 255])
    let green = 0
    for (let at = 0; at < data.length; at += info.channels) {
      if (data[at] === 0x0b && data[at + 1] === 0x7a && data[at + 2] === 0x5b) green++
    }
    expect(green).to.be.greaterThan(10_000)
  })

  it('is there for a study without a run', async () => {
    await writeSensitivity(dir, sensitivityExample)
    const { page } = await read(await writeReport(dir))
    expect(page.querySelector('h1')?.textContent).to.equal('Sensitivity of lenet-5')
    expect(page.querySelector('title')?.textContent).to.equal('Sensitivity of lenet-5 · torch-prune')
    expect(all(page, 'figure svg').map(({ id }) => id)).to.deep.equal(['sensitivity-conv', 'sensitivity-fc'])
    expect(rows(figure(page, 'sensitivity-fc'))).to.deep.equal([
      ['50%', '2.00%'],
      ['10%', '4.00%'],
    ])
  })

  it('has the thresholds that a study solved, and says how it was made', async () => {
    const made = {
      ...{ time: '2026-01-02T03:04:05.678Z', seed: 3, device: 'cpu', threads: 2 },
      versions: { torchPrune: '0.1.0', libtorch: '2.13.0', node: '20.20.2' },
      command: 'torch-prune sensitivity lenet-5',
    }
    await writeSensitivity(dir, { ...sensitivityExample, made })
    await writeThresholds(dir, {
      schema: 1,
      budget: { errorIncrease: 0.5 },
      densities: { conv1: 0.5, fc1: 0.1 },
      quality: { conv1: 0.61, fc1: 1.5 },
      ...{ weights: 40_250, bytes: 1e5, errorIncrease: 0.47, criterion: {} },
    })
    const { page } = await read(await writeReport(dir))
    expect(page.querySelector('.facts')?.textContent).to.match(/^2026-01-02 03:04 UTC .*seed 3/)
    expect(page.querySelector('.command code')?.textContent).to.equal('torch-prune sensitivity lenet-5')
    const table = page.querySelector('.tables .table')!
    expect(table.querySelector('caption')?.textContent).to.equal('Thresholds for 0.5 more points of error')
    expect(rows(table)).to.deep.equal([
      ['conv1', '50.0%', '0.610'],
      ['fc1', '10.0%', '1.500'],
    ])
    expect(table.querySelector('.note')?.textContent).to.include('0.47 points of error')
  })

  it('gives the layers of a large network a row each in the map of its sensitivity', async () => {
    const points = [0.5, 0.1].map((density) => ({ density, validationError: 1 + 1 / density }))
    const layers = Array.from({ length: 60 }, (_, i) => ({ name: `layer${i}.conv`, kind: 'conv', points }))
    await writeSensitivity(dir, { ...sensitivityExample, layers })
    const { page } = await read(await writeReport(dir))
    const map = figure(page, 'sensitivity-conv')
    expect(all(map, 'svg rect')).to.have.length(120)
    const names = all(map, 'svg text').map(({ textContent }) => textContent)
    expect(names).to.include.members(layers.map(({ name }) => name))
    expect(rows(map.querySelector('table')!)).to.deep.include(['layer59.conv', '3.00%', '11.00%'])
    expect(map.querySelector('.scroll')!.getAttribute('class')).to.equal('scroll long')
  })

  it('shows the histograms of the heaviest of many layers, and the others when asked', () => {
    const svg = '<svg></svg>'
    const one = (title: string, group?: string) => ({
      ...{ id: title, title, caption: '', svg, table: { columns: [], rows: [] } },
      ...(group !== undefined && { group }),
    })
    const figures = [one('a', 'others'), { ...one('b'), tall: true }, one('c'), one('d', 'others')]
    const provenance = { facts: [], command: undefined, settings: undefined }
    const content = { title: '', provenance, highlights: [], tables: [], figures, missing: [] }
    const document = parsed(renderPage(content))
    const titles = (of: Element) => all(of, 'h2').map(({ textContent }) => textContent)
    expect(titles(document), 'the tall one behind the others').to.deep.equal(['c', 'b', 'a', 'd'])
    const hidden = document.querySelector('details.group')!
    expect(hidden.querySelector('summary')!.textContent).to.equal('others')
    expect(titles(hidden)).to.deep.equal(['a', 'd'])
  })

  it('has what can be shown when files are gone, and says which', async () => {
    await writeTinyRun(dir)
    await rm(join(dir, 'checkpoint'), { recursive: true })
    await rm(join(dir, 'model.safetensors'))
    const { page } = await read(await writeReport(dir))
    expect(all(page, 'figure svg').map(({ id }) => id)).to.deep.equal([
      ...['error', 'files', 'weights-1', 'weights-2'],
    ])
    expect(page.querySelector('main > .note')?.textContent).to.include(
      'checkpoint/round-1-pruned.safetensors, model.safetensors',
    )
  })

  it('shows a network of which nothing is left', async () => {
    const record = await writeTinyRun(dir)
    const none = { kept: 0, density: 0, flopShare: 0 }
    const layers = record.layers.map((layer) => ({ ...layer, ...none }))
    const rounds = record.rounds.map((round) => ({ ...round, density: 0 }))
    await writeFile(join(dir, 'run.json'), JSON.stringify({ ...record, layers, rounds }))
    const { text } = await read(await writeReport(dir))
    expect(text).to.not.match(/NaN|Infinity|undefined/)
  })

  it('keeps no tensor', async () => {
    await writeTinyRun(dir)
    const before = memory.liveTensors().tensors
    await writeReport(dir)
    expect(memory.liveTensors().tensors).to.equal(before)
  })

  it('refuses a folder without a run or a study, and writes nothing', async () => {
    const error = await laterRefusal(writeReport(dir))
    expect(error.code).to.equal('ERR_FILE')
    expect(error.message).to.include('run.json: does not exist; give the folder of a finished run')
    expect(await readdir(dir)).to.deep.equal([])
  })

  it('refuses a damaged network, and leaves the report before it as it was', async () => {
    await writeTinyRun(dir)
    await writeFile(join(dir, 'report.html'), 'before')
    await writeFile(join(dir, 'model.safetensors'), 'half')
    const error = await laterRefusal(writeReport(dir))
    expect(error.code).to.equal('ERR_FILE')
    expect(error.message).to.include('model.safetensors')
    expect(await readFile(join(dir, 'report.html'), 'utf8')).to.equal('before')
  })

  it('cannot be written where a folder has its name', async () => {
    await writeTinyRun(dir)
    await writeFile(join(dir, 'figures'), '')
    const error = await laterRefusal(writeReport(dir))
    expect(error.code).to.equal('ERR_OUTPUT')
  })
})
