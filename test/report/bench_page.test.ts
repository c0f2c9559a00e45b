import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { writeReport } from '../../lib/report/report.js'
import { writeBench } from '../../lib/runs/bench_record.js'
import { all, figure, read, rows } from './read_page.js'
import { writeTinyRun } from './run_folder.js'
import { benchExample } from './studies.js'

describe('the report of a benchmark', () => {
  let dir: string

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'torch-prune-bench-page-'))
  })

  afterEach(() => rm(dir, { recursive: true, force: true }))

  it('shows how fast a network runs, and why figures are missing', async () => {
    await writeBench(dir, benchExample)
    const { text, page } = await read(await writeReport(dir))
    expect(page.querySelector('h1')?.textContent).to.equal('Speed of model.safetensors')
    expect(text).to.not.match(/seed|NaN|undefined/)
    expect(all(page, '.highlights dd').map(({ textContent }) => textContent)).to.deep.equal([
      '0.40ms → 50.0µs',
      '8×',
    ])
    const [engines, layers] = all(page, '.tables table')
    expect(rows(engines!)).to.deep.equal([
      ['dense', '0.40ms', '0.60ms', '19K/s', '1×', '1.07 MB', '12 MB'],
      ['csr', '2.00ms', '2.50ms', '3.9K/s', '0.2×', '90 kB', '–'],
      ['compiled', '50.0µs', '61.2µs', '158K/s', '8×', '88 kB', '8.25 MB'],
    ])
    expect(rows(layers!)).to.deep.equal([
      ['fc1', '8.0%', 'sparse', '0.30ms', '30.0µs', '10×', '40%'],
      ['fc2', '90.0%', 'dense', '10.0µs', '10.0µs', '1×', '–'],
    ])
    expect(page.querySelector('.tables .note')?.textContent)
      .to.include('Onnxruntime is not measured: the package onnxruntime-node is not installed.')
      .and.include('The resident memory of csr is not measured: its process ended with SIGKILL.')
    const drawn = figure(page, 'latency')
    expect(rows(drawn)).to.deep.include(['csr', '2.000', '2.500'])
    expect(drawn.querySelector('desc')?.textContent).to.include('compiled: 50.0µs to 61.2µs')
  })

  it('has the speed of its network below a run', async () => {
    await writeTinyRun(dir)
    await writeBench(dir, benchExample)
    const { page } = await read(await writeReport(dir))
    expect(page.querySelector('h1')?.textContent).to.equal('tiny')
    expect(all(page, 'figure svg').map(({ id }) => id)).to.include.members(['error', 'latency'])
  })

  it('draws engines that are alike, or worlds apart, with ticks that are few and round', async () => {
    const { dense } = benchExample.engines
    const ticks = async (times: readonly number[]) => {
      const [first, second] = times.map((time) => ({ ...dense!, p50: time, p99: time }))
      await writeBench(dir, { ...benchExample, engines: { dense: first!, csr: second! } })
      const { page } = await read(await writeReport(dir))
      return all(figure(page, 'latency'), '[aria-label="x-axis tick label"] text').map(
        ({ textContent }) => textContent,
      )
    }
    expect(await ticks([3, 3])).to.deep.equal(['2ms', '3ms'])
    expect(await ticks([0.05, 0.2])).to.deep.equal(['50µs', '0.1ms', '0.2ms'])
    expect(await ticks([0.002, 200])).to.deep.equal(['10µs', '0.1ms', '1ms', '10ms', '100ms'])
  })
})
