import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { type Profile, readStart, readVarint } from '../../lib/coded/container.js'
import { codedSizes } from '../../lib/formats/tensor_file.js'
import { linear } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { rand } from '../../lib/tensor/factories.js'
import { tensor } from '../../lib/tensor/from.js'
import { freshFolder } from '../support/folder.js'
import { NETWORKS } from './networks.js'

/** The lengths of a file's blocks. */
function blocksOf(bytes: Uint8Array): number[] {
  const { at, packedLength } = readStart(bytes, bytes.length)
  const lengths: number[] = []
  for (let next = at + packedLength; next < bytes.length - 4; ) {
    const [length, begin] = readVarint(bytes, next, bytes.length)
    lengths.push(length)
    next = begin + length
  }
  return lengths
}

const sum = (list: Iterable<number>) => [...list].reduce((total, each) => total + each, 0)

describe('what the tensors of a coded file take', () => {
  const box = freshFolder()

  for (const profile of ['compact', 'huffman'] as const satisfies readonly Profile[]) {
    it(`is all that its blocks have (${profile})`, async () => {
      for (const [what, make] of Object.entries(NETWORKS)) {
        using net = await make()
        await net.export(box('network.tpz'), { profile })
        const sizes = (await codedSizes(box('network.tpz')))!
        expect(sizes.profile).to.equal(profile)
        expect([...sizes.bytes.keys()]).to.deep.equal(net.tensorNames())
        const [block, ...others] = blocksOf(readFileSync(box('network.tpz')))
        expect(others, what).to.deep.equal([])
        const bytes = sum(sizes.bytes.values())
        if (profile === 'huffman') expect(Math.ceil(bytes), what).to.equal(block)
        // Zeros that are left out, and a range that ends between two bytes.
        else expect(bytes, what).to.be.within(block! - 2, block! + 5)
      }
    })

    it(`counts all stripes of a large one (${profile})`, async () => {
      using net = network([2100], { fc: linear(2100, 2100) })
      using values = rand([2100, 2100])
      await net.put([['fc.weight', values]])
      await net.setMask('fc', values.lt(0.02))
      await net.export(box('network.tpz'), { profile })
      const { bytes } = (await codedSizes(box('network.tpz')))!
      const blocks = blocksOf(readFileSync(box('network.tpz')))
      expect(blocks.length).to.be.above(3)
      expect(sum(bytes.values())).to.be.closeTo(sum(blocks), 5 * blocks.length)
    }).timeout(20_000)
  }

  it('is told apart, to the bit', async () => {
    using net = network([8], { all: linear(8, 6, { bias: false }), few: linear(6, 100) })
    const keep = Uint8Array.from({ length: 600 }, (_, i) => (i === 7 ? 1 : 0))
    await net.setMask('few', tensor(keep, { dtype: 'bool', shape: [100, 6] }))
    await net.export(box('network.tpz'), { profile: 'huffman' })
    const { bytes } = (await codedSizes(box('network.tpz')))!
    // A head of three bits, and floats.
    expect(bytes.get('all.weight')).to.equal((3 + 48 * 32) / 8)
    expect(bytes.get('few.bias')).to.equal((3 + 100 * 32) / 8)
    await net.export(box('network.tpz'))
    const compact = (await codedSizes(box('network.tpz')))!.bytes
    expect(compact.get('all.weight')).to.be.within(120, 192)
    expect(compact.get('few.weight')).to.be.below(30)
  })

  it('is nothing that other files tell', async () => {
    using net = network([2], { fc: linear(2, 2) })
    const other = box('network.safetensors')
    await net.save(other)
    expect(await codedSizes(other)).to.equal(undefined)
  })
})
