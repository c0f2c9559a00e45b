import { readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { readSafetensors } from '../../lib/formats/safetensors.js'
import { NETWORKS } from '../coded/networks.js'
import { expectRefused, temporaryFolder, torchPrune } from './command.js'

describe('torch-prune export and import', function () {
  this.timeout(60_000)
  const box = temporaryFolder()
  const given = box.path('given.safetensors')
  before(async () => {
    using net = await NETWORKS['fully connected layers with shared weights']!()
    await net.save(given)
  })
  after(() => box.dispose())

  for (const profile of ['compact', 'huffman']) {
    it(`bring a network to a coded file and back (${profile})`, async () => {
      const [coded, back] = [box.path(`${profile}.tpz`), box.path(`${profile}.safetensors`)]
      const args = ['export', given, '--format', 'coded', '--profile', profile, '--out', coded, '--json']
      const { code, stdout } = await torchPrune(args)
      expect(code).to.equal(0)
      const { length } = readFileSync(coded)
      expect(JSON.parse(stdout)).to.include({ kind: 'export', file: coded, bytes: length, parameters: 6210 })
      expect((await torchPrune(['import', coded, '--out', back])).code).to.equal(0)
      expect(await readSafetensors(back)).to.deep.equal(await readSafetensors(given))
    })
  }

  it('show a coded file as what it holds', async () => {
    const coded = box.path('shown.tpz')
    await torchPrune(['export', given, '--format', 'coded', '--out', coded])
    const { stdout } = await torchPrune(['inspect', coded, '--json'])
    const ofGiven = JSON.parse((await torchPrune(['inspect', given, '--json'])).stdout)
    const { bytes } = JSON.parse(stdout)
    expect(bytes).to.equal(readFileSync(coded).length)
    expect(JSON.parse(stdout)).to.deep.equal({ ...ofGiven, file: coded, bytes })
  })

  it('refuse other formats, a file onto itself, and damaged files', async () => {
    await expectRefused(
      ['export', given, '--format', 'zip', '--out', box.path('x.tpz')],
      /coded.*safetensors/,
    )
    const { code, stderr } = await torchPrune(['export', given, '--format', 'safetensors', '--out', given])
    expect(code).to.equal(2)
    expect(stderr).to.match(/choose another --out/)
    const damaged = box.path('shown.tpz')
    const bytes = readFileSync(damaged)
    bytes[bytes.length >> 1]! ^= 1
    writeFileSync(damaged, bytes)
    await expectRefused(['import', damaged, '--out', box.path('y.safetensors')], /checksum .* at byte \d+/)
  })
})
