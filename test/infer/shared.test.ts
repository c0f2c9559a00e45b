import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  applyCriterion,
  criteria,
  loadSession,
  manualSeed,
  models,
  type Network,
  network,
  nn,
  quantize,
  rand,
  type Session,
  tensor,
} from '../../lib/index.js'
import { toyData, toyNetwork } from '../train/toy.js'
import { expectClose, expected } from './networks.js'

/** 90 sums of 130 inputs: four in ten weights are kept, and have so many values, in no order. */
async function sharing(values: number): Promise<Network> {
  const net = network([130], { fc: nn.linear(130, 90), relu: nn.relu() }) as unknown as Network
  manualSeed(5)
  using chosen = rand([90 * 130])
  const weights = (chosen.toArray() as number[]).map((at, i) => {
    if (at > 0.4) return 0
    const which = (i * 7919) % values
    return (which % 2 === 0 ? 1 : -1) * (0.05 + which / 500)
  })
  using weight = tensor(weights, { shape: [90, 130] })
  await net.put([['fc.weight', weight]])
  return net
}

describe('a layer whose weights share values', () => {
  // One register of 8 or 16 numbers, two, and more, with the zero among them.
  for (const values of [1, 4, 7, 8, 15, 16, 31, 32, 200, 255]) {
    it(`is computed from indices of ${values}`, async () => {
      using net = await sharing(values)
      const { samples, outputs } = expected(net, 1)
      using session = await net.compile({ forms: ['shared'], threads: 2 })
      expect(session.layers[0]!.form).to.equal('shared')
      expectClose(await session.run(samples), outputs, 'from indices')
      using sparse = await net.compile({ forms: ['sparse'] })
      expectClose(await session.run(samples), await sparse.run(samples), 'from values')
      expect(session.bytes / sparse.bytes).to.be.below(0.65)
    })
  }

  it('has no such form with more values, with NaN, in a batch, or as a convolution', async () => {
    const formOf = async (net: Network, batch = 1) => {
      using session = await net.compile({ batch, forms: ['shared'] })
      return session.layers[0]!.form
    }
    using many = await sharing(256)
    expect(await formOf(many)).to.equal('dense')
    using broken = await sharing(4)
    expect(await formOf(broken, 2)).to.equal('dense')
    using weight = tensor([Number.NaN, ...Array(90 * 130 - 1).fill(0.5)], { shape: [90, 130] })
    await broken.put([['fc.weight', weight]])
    expect(await formOf(broken)).to.equal('dense')
    using convolution = models.lenet5() as unknown as Network
    expect(await formOf(convolution)).to.equal('dense')
  })

  it('is one that was quantized, and comes back from the file of its session', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'shared-'))
    try {
      using net = toyNetwork() as unknown as Network
      await applyCriterion(net, criteria.magnitude().density(0.5))
      await quantize(net, toyData(96).split(32), { values: 4 })
      const { samples, outputs } = expected(net, 1)
      const same = async (session: Session) => {
        expect(session.layers.map(({ form }) => form)).to.deep.equal(['shared', 'shared'])
        expectClose(await session.run(samples), outputs, 'quantized')
      }
      using session = await net.compile({ forms: ['shared'] })
      await same(session)
      const file = join(folder, 'session.safetensors')
      await session.save(file)
      using again = await loadSession(file)
      await same(again)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
