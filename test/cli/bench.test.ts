import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { readBench } from '../../lib/runs/bench_record.js'
import { NETWORKS } from '../coded/networks.js'
import { expectRefused, temporaryFolder, torchPrune } from './command.js'

describe('torch-prune bench', function () {
  this.timeout(120_000)
  const box = temporaryFolder()
  const file = box.path('model.safetensors')
  before(async () => {
    using net = await NETWORKS['fully connected layers with shared weights']!()
    await net.save(file)
  })
  after(() => box.dispose())
  const args = ['bench', file, '--threads', '1', '--seconds', '0.1']

  it('prints how fast engines and layers are', async () => {
    const { code, stdout, stderr } = await torchPrune(args)
    expect(stderr).to.equal('')
    expect(code).to.equal(0)
    expect(stdout).to.match(/^batch 1, 1 thread, .+ cores?$/m)
    for (const engine of ['dense', 'csr', 'compiled']) {
      expect(stdout).to.match(
        new RegExp(`^${engine} +[\\d.]+(µs|ms) +[\\d.]+(µs|ms) +\\S+/s +[\\d.]+× `, 'm'),
      )
    }
    expect(stdout).to.match(/^layer +kept +form +dense +chosen +speed +break-even$/m)
    for (const line of stdout.split('\n')) expect(line.length, line).to.be.below(100)
  })

  it('prints one JSON document with --json', async () => {
    const { code, stdout } = await torchPrune([...args, '--batch', '4', '--json'])
    expect(code).to.equal(0)
    const latency = JSON.parse(stdout)
    expect(latency).to.include({ kind: 'bench', file, threads: 1, batch: 4 })
    expect(latency.machine).to.match(/\d+ cores?$/)
    expect(latency.engines).to.include.all.keys('dense', 'csr', 'compiled')
    for (const engine of Object.values<Record<string, number>>(latency.engines)) {
      expect(engine).to.have.all.keys('p50', 'p99', 'throughput', 'resident', 'bytes')
      expect(engine.p99).to.be.at.least(engine.p50!)
      expect(engine.throughput).to.be.above(0)
      expect(engine.resident).to.be.above(0)
    }
    for (const layer of latency.layers) {
      expect(layer.form).to.be.oneOf(['dense', 'packed', 'csr', 'sparse', 'shared'])
      expect(layer.dense).to.be.above(0)
      expect(layer.chosen).to.be.above(0)
    }
  })

  it('keeps the result in a folder, with a report that draws it', async () => {
    const out = box.path('speed')
    const { code, stdout, stderr } = await torchPrune([...args, '--out', out, '--json'])
    expect(code, stderr).to.equal(0)
    const { kind: _, file: __, folder, report, ...latency } = JSON.parse(stdout)
    expect([folder, report]).to.deep.equal([out, box.path('speed', 'report.html')])
    const record = (await readBench(out))!
    expect(record).to.deep.include({ schema: 1, file: 'model.safetensors', ...latency })
    expect(record.made).to.include({ device: 'cpu', threads: 1 })
    expect(record.made!.command).to.match(/^torch-prune bench .*--json$/)
    expect(readFileSync(report, 'utf8')).to.include('Speed of model.safetensors')
    expect(readdirSync(out)).to.have.members(['bench.json', 'report.html', 'figures'])
    expect(readdirSync(box.path('speed', 'figures'))).to.include('latency.svg')
  })

  it('has times without memory where no process can be started', async () => {
    // A folder for temporary files that is none: nothing can be written for another process.
    const env = { TMPDIR: box.path('nowhere') }
    const { code, stdout, stderr } = await torchPrune([...args, '--json'], { env })
    expect(code, stderr).to.equal(0)
    const { engines, missingResident } = JSON.parse(stdout)
    for (const name of ['dense', 'csr', 'compiled']) {
      expect(engines[name]).to.have.all.keys('p50', 'p99', 'throughput', 'bytes')
      expect(missingResident[name]).to.match(/ENOENT/)
    }
  })

  it('refuses what cannot be, in one line', async () => {
    await expectRefused(['bench', box.path('none.safetensors')], /none\.safetensors: /)
    await expectRefused([...args, '--batch', '0'], /--batch/)
    await expectRefused([...args, '--seconds', '0'], /--seconds/)
    const text = box.path('text.safetensors')
    writeFileSync(text, 'no network')
    await expectRefused(['bench', text, '--out', box.path('none')], /text\.safetensors: /)
    expect(existsSync(box.path('none'))).to.equal(false)
    await expectRefused([...args, '--out', text], /text\.safetensors/)
  })
})
