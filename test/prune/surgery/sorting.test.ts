import { expect } from 'chai'
import type { AnyNetwork } from '../../../lib/nn/any_network.js'
import { applyCriterion } from '../../../lib/prune/mask.js'
import { criteria } from '../../../lib/prune/score/index.js'
import { sortNeurons } from '../../../lib/prune/surgery/sorting.js'
import { tensor } from '../../../lib/tensor/from.js'
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

  it('puts those beside each other that keep weights at the same places, and dead ones last', async () => {
    using net = chain()
    const [size, inputs] = scope(() => net.tensor('fc1.weight').shape) as [number, number]
    // Neurons take turns: a third are dead, the others keep the first inputs, or the last and one more.
    const keeps = (neuron: number, input: number) =>
      [false, input < 2, input >= inputs - 2 || input === 0][neuron % 3]!
    using mask = tensor(
      Array.from({ length: size }, (_, neuron) =>
        Array.from({ length: inputs }, (_, input) => keeps(neuron, input)),
      ),
    )
    await net.setMask('fc1', mask)
    await sortNeurons(net)
    const counts = keptInto(net, 'fc1')
    expect(counts).to.deep.equal(descending(counts))
    expect(new Set(counts)).to.deep.equal(new Set([3, 2, 0]))
  })

  it('moves the values that weights share', async () => {
    using net = chain()
    await applyCriterion(net, criteria.magnitude().global(0.3))
    await shareAll(net, 3)
    const before = keptInto(net, 'fc1')
    await sortNeurons(net)
    const after = keptInto(net, 'fc1')
    expect(after).to.not.deep.equal(before)
    expect(after[0]).to.equal(Math.max(...before))
    await expectShared(net)
    scope(() => expect(net.codebook('fc1')!.values.shape).to.deep.equal([4]))
  })
})
