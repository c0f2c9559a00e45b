import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { readCoded } from '../../lib/coded/index.js'
import { readTensorFile } from '../../lib/formats/tensor_file.js'
import { flatten, linear } from '../../lib/nn/layers/index.js'
import { loadNetwork } from '../../lib/nn/load.js'
import { type Network, network } from '../../lib/nn/network.js'
import { toBytes } from '../../lib/tensor/bytes.js'
import { rand } from '../../lib/tensor/factories.js'
import { tensor } from '../../lib/tensor/from.js'
import { manualSeed } from '../../lib/tensor/random.js'
import { snapshot } from '../nn/bits.js'
import { refusedWith } from '../support/refusal.js'
import { NETWORKS } from './networks.js'

const folder = mkdtempSync(join(tmpdir(), 'torch-prune-coded-'))
const path = (name: string) => join(folder, name)

function masksOf(net: Network): Record<string, Uint8Array | undefined> {
  return Object.fromEntries(
    net.prunable.map((layer) => {
      using mask = net.mask(layer)
      return [layer, mask && toBytes(mask).data]
    }),
  )
}

describe('a coded file', () => {
  after(() => rmSync(folder, { recursive: true, force: true }))

  for (const [what, make] of Object.entries(NETWORKS)) {
    for (const profile of ['compact', 'huffman'] as const) {
      it(`brings back ${what}, bit for bit, in both readers (${profile})`, async () => {
        using net = await make()
        const file = path('network.tpz')
        await net.export(file, { profile })
        using loaded = await loadNetwork(file)
        expect(loaded.nodes).to.deep.equal(net.nodes)
        expect(snapshot(loaded)).to.deep.equal(snapshot(net))
        expect(masksOf(loaded)).to.deep.equal(masksOf(net))

        const plain = await readCoded(readFileSync(file))
        expect(plain.profile).to.equal(profile)
        for (const [name, bytes] of Object.entries(snapshot(net))) {
          const dense = plain.tensors.get(name)!.dense()
          expect(new Uint8Array(dense.buffer, dense.byteOffset, dense.byteLength), name).to.deep.equal(bytes)
        }
        for (const [layer, mask] of Object.entries(masksOf(net)))
          expect(plain.tensors.get(`${layer}.weight`)!.kept(), layer).to.deep.equal(mask)
      })
    }
  }

  it('brings back a layer of several stripes in both readers', async () => {
    const [rows, columns] = [2100, 2100]
    using net = network([columns], { fc: linear(columns, rows) })
    using values = rand([rows, columns])
    await net.put([['fc.weight', values]])
    await net.setMask('fc', values.lt(0.02))
    for (const profile of ['compact', 'huffman'] as const) {
      await net.export(path('large.tpz'), { profile })
      using loaded = await loadNetwork(path('large.tpz'))
      expect(Buffer.compare(snapshot(loaded)['fc.weight']!, snapshot(net)['fc.weight']!)).to.equal(0)
      const plain = (await readCoded(readFileSync(path('large.tpz')))).tensors.get('fc.weight')!.dense()
      expect(
        Buffer.compare(new Uint8Array(plain.buffer as ArrayBuffer), snapshot(net)['fc.weight']!),
      ).to.equal(0)
    }
  })

  it('computes in plain JavaScript what libtorch computes', async () => {
    manualSeed(1)
    for (const [what, make] of Object.entries(NETWORKS)) {
      if (what === 'strange numbers') continue
      using net = await make()
      await net.export(path('network.tpz'))
      const plain = await readCoded(readFileSync(path('network.tpz')))
      using samples = rand([3, ...net.inputShape])
      using outputs = net.forward(samples)
      const expected = new Float32Array(toBytes(outputs).data.buffer)
      const actual = plain.run(new Float32Array(toBytes(samples).data.buffer))
      expect(actual.length, what).to.equal(expected.length)
      for (const [i, value] of expected.entries())
        expect(actual[i], what).to.be.closeTo(value, 1e-5 * Math.max(1, Math.abs(value)))
    }
  })

  it('is the same whoever writes it, and however often', async () => {
    using net = await NETWORKS['fully connected layers with shared weights']!()
    await net.export(path('first.tpz'))
    using loaded = await loadNetwork(path('first.tpz'))
    await loaded.export(path('second.tpz'))
    expect(readFileSync(path('second.tpz'))).to.deep.equal(readFileSync(path('first.tpz')))
  })

  it('is read as safetensors are: tensors, and masks beside them', async () => {
    using net = await NETWORKS['convolutions, normalization and a sum']!()
    await net.export(path('network.tpz'))
    await net.save(path('network.safetensors'))
    const [coded, plain] = [
      await readTensorFile(path('network.tpz')),
      await readTensorFile(path('network.safetensors')),
    ]
    expect(JSON.parse(coded.metadata['torch-prune.graph']!)).to.deep.equal(
      JSON.parse(plain.metadata['torch-prune.graph']!),
    )
    expect(new Map([...coded.tensors].sort())).to.deep.equal(new Map([...plain.tensors].sort()))
  })

  it('holds LeNet-300-100 with an overhead under 150 bytes', async () => {
    const { createModel } = await import('../../lib/models/registry.js')
    using net = createModel('lenet-300-100')
    for (const name of net.tensorNames())
      await net.put([
        [name, tensor(new Float32Array(net.tensor(name).numel), { shape: net.tensor(name).shape })],
      ])
    for (const layer of net.prunable)
      await net.setMask(
        layer,
        tensor(new Uint8Array(net.tensor(`${layer}.weight`).numel), {
          dtype: 'bool',
          shape: net.tensor(`${layer}.weight`).shape,
        }),
      )
    // There is nothing in it but the overhead.
    await net.export(path('empty.tpz'))
    expect(readFileSync(path('empty.tpz')).length).to.be.below(150)
  })

  it('keeps the order of layers that are named like numbers, and any name', async () => {
    using net = network([2], { 'é.1': linear(2, 2), '1.0': linear(2, 2), '"': flatten() })
    await net.export(path('names.tpz'))
    using loaded = await loadNetwork(path('names.tpz'))
    expect(loaded.nodes).to.deep.equal(net.nodes)
    expect(snapshot(loaded)).to.deep.equal(snapshot(net))
  })

  it('is not written for NaN, other endings, or spliced layers', async () => {
    using net = network([2], { fc: linear(2, 2) })
    expect(await refusedWith(net.export(path('network.pt')), 'ERR_ARGUMENT')).to.include('.tpz')
    await net.splice('fc')
    await refusedWith(net.export(path('spliced.tpz')), 'ERR_SEAL')
    await net.seal()
    await net.put([
      [
        'fc.weight',
        tensor([
          [1, Number.NaN],
          [0, 1],
        ]),
      ],
    ])
    expect(await refusedWith(net.export(path('nan.tpz')), 'ERR_ARGUMENT')).to.match(
      /'fc\.weight' is NaN at 1/,
    )
    expect(() => readFileSync(path('nan.tpz'))).to.throw('ENOENT')
  })
})
