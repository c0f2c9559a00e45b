import { expect } from 'chai'
import type { AnyNetwork } from '../../../lib/nn/any_network.js'
import { applyCriterion } from '../../../lib/prune/mask.js'
import { criteria } from '../../../lib/prune/score/index.js'
import { sortNeurons } from '../../../lib/prune/surgery/sorting.js'
import { scope } from '../../../lib/tensor/scope.js'
import { predict } from '../../../lib/train/evaluate.js'
import { expectShared, shareAll } from '../../quantize/shared.js'
import {
  chain,
  convolutional,
  crossed,
  enlarging,
  gated,
  grouped,
  residual,
  samples,
  separable,
  sequence,
} from './networks.js'

/** Kept weights of each output of a layer. */
const keptInto = (net: AnyNetwork, layer: string) =>
  scope(() => {
    const mask = net.mask(layer)!
    return mask.reshape([mask.shape[0]!, -1]).sum([1]).toArray() as number[]
  })

const descending = (counts: readonly number[]) => [...counts].sort((a, b) => b - a)

const nets = { chain, convolutional, crossed, enlarging, gated, grouped, residual, separable, sequence }

describe('sorting neurons', () => {
  for (const [name, make] of Object.entries(nets)) {
    it(`changes what ${name} computes by rounding alone`, async () => {
      using net: AnyNetwork = make()
      await applyCriterion(net, criteria.magnitude().density(0.4))
      const kept = net.prunable.map((layer) => descending(keptInto(net, layer)))
      using data = samples(net.inputShape)
      const outputs = async () => {
        using all = await predict(net, data)
        return scope(() => Array.from(all.cpu().data(), Number))
      }
      const before = await outputs()
      await sortNeurons(net)
      await net.assertSealed()
      const after = await outputs()
      const largest = Math.max(...before.map(Math.abs))
      for (const [i, value] of before.entries()) {
        expect(Math.abs(after[i]! - value) / largest, `output ${i}`).to.be.below(1e-5)
      }
      expect(net.prunable.map((layer) => descending(keptInto(net, layer)))).to.deep.equal(kept)
    })
  }

  it('puts those with the most kept weights first, with the values that they share', async () => {
    using net = chain()
    await applyCriterion(net, criteria.magnitude().global(0.3))
    await shareAll(net, 3)
    const before = keptInto(net, 'fc1')
    expect(before).to.not.deep.equal(descending(before))
    await sortNeurons(net)
    for (const layer of ['fc1', 'fc2']) {
      const counts = keptInto(net, layer)
      expect(counts, layer).to.deep.equal(descending(counts))
    }
    await expectShared(net)
    scope(() => expect(net.codebook('fc1')!.values.shape).to.deep.equal([4]))
  })
})
