import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { readSafetensors } from '../../lib/formats/safetensors.js'
import { linear, relu } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { tensor } from '../../lib/tensor/from.js'
import { NETWORKS } from '../coded/networks.js'
import { shareAll } from '../quantize/shared.js'
import { readModel } from '../support/onnx.js'
import { expectRefused, temporaryFolder, torchPrune } from './command.js'

describe('torch-prune export and import', function () {
  this.timeout(60_000)
  const box = temporaryFolder()
  const given = box.path('given.safetensors')
  before(async () => {
    using net = await NETWORKS['fully connected layers with shared weights']!()
    await shareAll(net, 32)
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

  it('write an ONNX model, smaller without dead neurons', async () => {
    using net = network([6], { fc1: linear(6, 5), act: relu(), fc2: linear(5, 3) })
    using keep = tensor([...new Array(18).fill(0), ...new Array(12).fill(1)], { shape: [5, 6] })
    await net.setMask('fc1', keep)
    const [pruned, out] = [box.path('pruned.safetensors'), box.path('pruned.onnx')]
    await net.save(pruned)
    const sizes = async (...args: string[]) => {
      const { code, stdout } = await torchPrune([
        'export',
        pruned,
        '--format',
        'onnx',
        ...args,
        '--out',
        out,
        '--json',
      ])
      expect(code).to.equal(0)
      expect(JSON.parse(stdout)).to.include({ kind: 'export', parameters: 53 })
      return readModel(out).graph!.initializer.map(({ name, dims }) => `${name} ${dims.join('x')}`)
    }
    expect(await sizes()).to.deep.equal(['fc1.weight 5x6', 'fc1.bias 5', 'fc2.weight 3x5', 'fc2.bias 3'])
    expect(await sizes('--shrink')).to.deep.equal([
      'fc1.weight 2x6',
      'fc1.bias 2',
      'fc2.weight 3x2',
      'fc2.bias 3',
    ])
    await expectRefused(['inspect', out], /is an ONNX model, which can only be written/)
  })

  it("write masks as PyTorch's, and refuse options of another format", async () => {
    const out = box.path('masks.safetensors')
    const args = ['--masks', 'weight_orig', '--out', out]
    expect((await torchPrune(['export', given, '--format', 'safetensors', ...args])).code).to.equal(0)
    const names = [...(await readSafetensors(out)).tensors.keys()]
    expect(names).to.include.members(['fc1.weight_orig', 'fc1.weight_mask']).and.not.include('fc1.weight')
    const other = ['--masks', 'none', '--out', box.path('masks.onnx')]
    await expectRefused(
      ['export', given, '--format', 'onnx', ...other],
      /--masks is for --format safetensors/,
    )
    const huffman = ['--profile', 'huffman', '--out', box.path('profile.onnx')]
    await expectRefused(['export', given, '--format', 'onnx', ...huffman], /--profile is for --format coded/)
  })

  it('refuse names that say another format than the one that is written', async () => {
    const out = box.path('misnamed.tpz')
    for (const command of ['import', 'shrink', 'quantize']) {
      await expectRefused([command, given, '--out', out], /what is written is safetensors/)
    }
    await expectRefused(['export', given, '--format', 'safetensors', '--out', out], /safetensors/)
    await expectRefused(['export', given, '--format', 'onnx', '--out', out], /must end with \.onnx/)
    expect(existsSync(out)).to.equal(false)
  })

  it('and quantize and shrink refuse a folder as the file to write, before any work', async () => {
    const folder = box.path('folder')
    mkdirSync(folder)
    for (const command of ['import', 'shrink', 'quantize']) {
      await expectRefused([command, given, '--out', folder], /folder: is a folder; give the name of a file/)
    }
    expect(existsSync(`${folder}.lock`)).to.equal(false)
  })

  it('show a coded file as what it holds', async () => {
    const coded = box.path('shown.tpz')
    await torchPrune(['export', given, '--format', 'coded', '--out', coded])
    const { stdout } = await torchPrune(['inspect', coded, '--json'])
    const ofGiven = JSON.parse((await torchPrune(['inspect', given, '--json'])).stdout)
    const shown = JSON.parse(stdout)
    expect(shown.bytes).to.equal(readFileSync(coded).length)
    const content = ({ layers, profile: _, ...rest }: { layers: object[]; profile?: string }) => ({
      ...rest,
      ...{ file: coded, bytes: shown.bytes },
      layers: layers.map((layer) => ({ ...layer, bytes: 0, bitsPerKept: 0 })),
    })
    expect(content(shown)).to.deep.equal(content(ofGiven))
    expect(shown.profile).to.equal('compact')
    const inLayers = shown.layers.reduce((sum: number, { bytes }: { bytes: number }) => sum + bytes, 0)
    expect(inLayers).to.be.within(shown.bytes - 200, shown.bytes)
    const [fc1] = shown.layers
    // Its biases are of four bytes.
    expect(fc1.bitsPerKept).to.be.closeTo((8 * (fc1.bytes - 4 * 40)) / fc1.kept, 0.3)
    expect((await torchPrune(['inspect', coded])).stdout)
      .to.match(/bits\/kept$/m)
      .and.match(/\(compact\)$/m)
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
