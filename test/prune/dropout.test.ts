import { expect } from 'chai'
import { conv2d, dropout, flatten, linear, localResponseNorm, relu } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { sgd } from '../../lib/optim/spec.js'
import { adjustDropout } from '../../lib/prune/dropout.js'
import { applyCriterion, keptWeights } from '../../lib/prune/mask.js'
import { prune } from '../../lib/prune/prune.js'
import { criteria } from '../../lib/prune/score/index.js'
import { parameterReport } from '../../lib/prune/surgery/neurons.js'
import { tensor } from '../../lib/tensor/from.js'
import { device } from '../support/device.js'
import { toyData, toyNetwork } from '../train/toy.js'

const optimizer = sgd({ lr: 0.1, momentum: 0.9 })
const data = () => toyData(256).split(64)

describe('dropout by the square-root rule', () => {
  it('falls with the connections of the layer that reads it', async () => {
    using net = network(
      [16],
      {
        drop1: dropout(0.5),
        fc1: linear(16, 8),
        relu: relu(),
        drop2: dropout(0.4),
        fc2: linear(8, 4),
        drop3: dropout(0.3),
      },
      { device },
    )
    await applyCriterion(net, criteria.magnitude().density({ fc1: 0.25, fc2: 0.0625 }))
    const rates = () => [net.dropout('drop1'), net.dropout('drop2'), net.dropout('drop3')]
    adjustDropout(net, await keptWeights(net))
    expect(rates()).to.deep.equal([0.25, 0.1, 0.3])
    adjustDropout(net, await keptWeights(net))
    expect(rates(), 'from the first rate each time').to.deep.equal([0.25, 0.1, 0.3])
  })

  it('is what prune does, unless told otherwise', async () => {
    const run = async (adjust?: boolean | 'off') => {
      using net = toyNetwork()
      await prune(net, data(), {
        criterion: criteria.magnitude().density({ fc2: 0.25 }),
        retrain: { epochs: 1, optimizer },
        ...(adjust === undefined ? {} : { adjustDropout: adjust }),
      })
      return net.dropout('drop')
    }
    expect(await run()).to.equal(0.1)
    expect(await run(false)).to.equal(0.2)
    expect(await run('off')).to.equal(0)
  })
})

describe('parameterReport', () => {
  it('counts surviving weights and the biases of live neurons', async () => {
    using net = network([3], { fc1: linear(3, 4), relu: relu(), fc2: linear(4, 2) }, { device })
    expect(await parameterReport(net)).to.deep.equal({ dense: 26, kept: 26, zeros: 0, compression: 1 })
    // Neuron 0 has both sides, 1 no way in, 2 no way out, 3 both. Output 1 has no way in.
    using first = tensor([[1, 0, 0], [0, 0, 0], [1, 1, 0], [0, 0, 1]]) // biome-ignore format: a matrix
    using second = tensor([[1, 1, 0, 1], [0, 0, 0, 0]]) // biome-ignore format: a matrix
    await net.setMask('fc1', first)
    await net.setMask('fc2', second)
    const kept = 4 + 3 + 2 + 1
    expect(await parameterReport(net)).to.deep.equal({ dense: 26, kept, zeros: 0, compression: 26 / kept })
  })

  it('follows channels through flatten and groups', async () => {
    using net = network(
      [2, 2, 2],
      { conv: conv2d(2, 4, 1, { groups: 2 }), flat: flatten(), fc: linear(16, 2, { bias: false }) },
      { device },
    )
    // Of the four pixels of channel 1 one is read; channel 2 is not read; channel 3 has no way in.
    using first = tensor([1, 1, 1, 0])
    using rows = tensor(
      Array.from({ length: 2 }, (_, row) =>
        Array.from({ length: 16 }, (_, i) => (i < 4 || i >= 12 || (row === 1 && i === 6) ? 1 : 0)),
      ),
    )
    await net.setMask('conv', first.reshape([4, 1, 1, 1]))
    await net.setMask('fc', rows)
    expect(await parameterReport(net)).to.include({ dense: 4 + 4 + 32, kept: 3 + 2 + (8 + 9) })
  })

  it('counts a channel as live when a local response normalization shows it to its neighbor', async () => {
    using net = network(
      [1, 1, 1],
      {
        conv: conv2d(1, 4, 1),
        norm: localResponseNorm(3),
        flat: flatten(),
        fc: linear(4, 1, { bias: false }),
      },
      { device },
    )
    using first = tensor([[1, 0, 0, 0]])
    await net.setMask('fc', first)
    expect(await parameterReport(net)).to.include({ dense: 4 + 4 + 4, kept: 4 + 2 + 1 })
  })
})
