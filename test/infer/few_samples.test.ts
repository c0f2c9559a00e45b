import { expect } from 'chai'
import { manualSeed, type Network, network, nn, rand } from '../../lib/index.js'
import { expectClose, expected } from './networks.js'

/** 70 sums of so many inputs; rows have from none of their weights to several times as many as the mean. */
async function uneven(inputs: number, density: number): Promise<Network> {
  const net = network([inputs], { fc: nn.linear(inputs, 70), relu: nn.relu6() }) as unknown as Network
  manualSeed(5)
  using chosen = rand([70, inputs])
  using shares = rand([70, 1]).mul(2 * density)
  using keep = chosen.lt(shares)
  using weight = net.tensor('fc.weight').mul(keep)
  weight.narrow(0, 3, 2).fill_(0)
  await net.put([['fc.weight', weight]])
  return net
}

describe('kept weights for a few samples', () => {
  // One block of inputs and several, a last one that is shorter, and blocks that few weights make longer.
  for (const [inputs, density] of [
    [40, 0.5],
    [2500, 0.1],
    [4099, 0.005],
    [40_000, 0.0005],
  ] as const) {
    it(`are multiplied with ${inputs} inputs each`, async () => {
      using net = await uneven(inputs, density)
      for (const batch of [2, 7, 8, 9]) {
        const { samples, outputs } = expected(net, batch)
        for (const threads of [1, 2]) {
          using session = await net.compile({ batch, threads, forms: ['sparse'] })
          expect(session.layers[0]!.form).to.equal('sparse')
          expectClose(await session.runBatch(samples), outputs, `${batch} samples, ${threads} threads`)
          expectClose(await session.runBatch(samples), outputs, 'again')
        }
      }
    })
  }
})
