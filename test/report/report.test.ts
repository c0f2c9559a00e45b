import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { parseHTML } from 'linkedom'
import sharp from 'sharp'
import lenet300100 from '../../lib/recipes/built_in/lenet-300-100.js'
import { renderPage } from '../../lib/report/page.js'
import { writeReport } from '../../lib/report/report.js'
import { writeSensitivity } from '../../lib/runs/sensitivity_record.js'
import { writeTradeoff } from '../../lib/runs/tradeoff_record.js'
import { memory } from '../../lib/tensor/index.js'
import { laterRefusal } from '../support/refusal.js'
import { writeTinyRun } from './run_folder.js'
import { sensitivityExample, tradeoffExample } from './studies.js'

/** What these tests read of a page. */
interface Element {
  readonly id: string
  readonly textContent: string
  getAttribute(name: string): string | null
  querySelector(selector: string): Element | null
  querySelectorAll(selector: string): Iterable<Element>
}

async function read(path: string): Promise<{ text: string; page: Element }> {
  const text = await readFile(path, 'utf8')
  return { text, page: (parseHTML(text) as unknown as { document: Element }).document }
}

function all(page: Element, selector: string): Element[] {
  return [...page.querySelectorAll(selector)]
}

function rows(table: Element): string[][] {
  return all(table, 'tbody tr').map((row) => all(row, 'th,td').map(({ textContent }) => textContent))
}

function figure(page: Element, id: string): Element {
  const found = all(page, 'figure').find((each) => each.querySelector(`svg[id="${id}"]`))
  return found ?? expect.fail(`there is no figure ${id}`)
}

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
      'neurons',
      'pattern',
      'pattern-pixels',
      'weights-1',
      'weights-2',
      'energy',
      'bytes',
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
    // 7 and 3 weights of 37 bits and 5 and 3 row pointers of 32; 6 biases.
    expect(rows(figure(page, 'bytes'))).to.deep.equal([
      ['all', '200 B', '103 B', '1.9×'],
      ['fc1', '144 B', '53 B', '2.7×'],
      ['fc2', '32 B', '26 B', '1.2×'],
      ['biases', '24 B', '24 B', '1×'],
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
    const { page } = await read(await writeReport(dir))
    const ids = all(page, '[id]').map(({ id }) => id)
    expect(new Set(ids).size).to.equal(ids.length)
    for (const each of all(page, 'figure')) {
      const svg = each.querySelector('svg')!
      expect(svg.getAttribute('role')).to.equal('img')
      const named = svg.getAttribute('aria-labelledby')!.split(' ')
      for (const id of named) expect(svg.querySelector(`[id="${id}"]`)?.textContent).to.match(/\S/)
      expect(rows(each).length, svg.id).to.be.greaterThan(0)
      const columns = all(each, 'thead th').length
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

  it('comes with each chart as an SVG and a PNG file', async () => {
    await writeTinyRun(dir)
    const { page } = await read(await writeReport(dir))
    const ids = all(page, 'figure svg').map(({ id }) => id)
    const files = await readdir(join(dir, 'figures'))
    expect(files).to.have.members(ids.flatMap((id) => [`${id}.svg`, `${id}.png`]))
    const svg = await readFile(join(dir, 'figures', 'pattern.svg'), 'utf8')
    expect(svg).to.match(/^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"[^>]*><style>/)
    expect(svg).to.include('prefers-color-scheme:dark')
    const { data, info } = await sharp(join(dir, 'figures', 'pattern.png'))
      .raw()
      .toBuffer({ resolveWithObject: true })
    expect(info.width).to.equal(1800)
    // On white, and with something drawn in the first series' blue.
    expect([...data.subarray(0, 3)]).to.deep.equal([255, 255, 255])
    let blue = 0
    for (let at = 0; at < data.length; at += info.channels) {
      if (data[at] === 0x14 && data[at + 1] === 0x62 && data[at + 2] === 0xb8) blue++
    }
    expect(blue).to.be.greaterThan(10_000)
  })

  it('is there for a study without a run', async () => {
    await writeSensitivity(dir, sensitivityExample)
    const { page } = await read(await writeReport(dir))
    expect(page.querySelector('h1')?.textContent).to.equal('lenet-5')
    expect(all(page, 'figure svg').map(({ id }) => id)).to.deep.equal(['sensitivity-conv', 'sensitivity-fc'])
    expect(rows(figure(page, 'sensitivity-fc'))).to.deep.equal([
      ['50%', '2.00%'],
      ['10%', '4.00%'],
    ])
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
    const { document } = parseHTML(renderPage({ title: '', figures, missing: [] })) as unknown as {
      document: Element
    }
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
    expect(all(page, 'figure svg').map(({ id }) => id)).to.deep.equal(['error', 'weights-1', 'weights-2'])
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
