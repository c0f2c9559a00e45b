import { expect } from 'chai'
import { Dataset } from '../../lib/data/dataset.js'
import { linear } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { tensor } from '../../lib/tensor/from.js'
import { evaluate } from '../../lib/train/evaluate.js'
import { snapshot } from '../nn/bits.js'
import { device } from '../support/device.js'
import { toyData, toyNetwork } from './toy.js'

describe('evaluate', () => {
  it('counts by hand', async () => {
    using net = network([2], { fc: linear(2, 7, { bias: false }), out: { kind: 'relu' } }, { device })
    using weight = tensor([
      [1, 0],
      [0, 1],
      [2, 0],
      [0, 2],
      [3, 0],
      [0, 3],
      [4, 0],
    ])
    await net.put([['fc.weight', weight]])
    // The scores are 1 0 2 0 3 0 4 and 0 1 0 2 0 3 0.
    using images = tensor([
      [1, 0],
      [1, 0],
      [0, 1],
      [0, 1],
    ])
    const data = Dataset.from(images, tensor([6, 0, 3, 5], { dtype: 'int64' }))
    const { samples, loss, top1Error, top5Error, activations } = await evaluate(net, data, {
      batchSize: 3,
      activations: true,
    })
    const logSum = (scores: number[]) => Math.log(scores.reduce((sum, each) => sum + Math.exp(each), 0))
    const [first, second] = [logSum([1, 0, 2, 0, 3, 0, 4]), logSum([0, 1, 0, 2, 0, 3, 0])]
    expect({ samples, top1Error, top5Error }).to.deep.equal({ samples: 4, top1Error: 50, top5Error: 0 })
    expect(loss).to.be.closeTo((first - 4 + first - 1 + second - 2 + second - 3) / 4, 1e-5)
    expect(activations.input).to.equal(0.5)
    expect(activations.layers).to.deep.equal({ fc: 0.5, out: 0.5 })
  })

  it('changes nothing, and stops when aborted', async () => {
    using net = toyNetwork()
    const before = snapshot(net)
    const { activations } = await evaluate(net, toyData())
    expect(activations.layers).to.deep.equal({})
    expect(snapshot(net)).to.deep.equal(before)
    const stop = new AbortController()
    const work = evaluate(net, toyData(4096), {
      batchSize: 1,
      signal: stop.signal,
      onProgress: () => stop.abort(),
    })
    expect(await work.catch((error: Error) => error.name)).to.equal('AbortError')
    net.tensor('fc1.weight').dispose()
  })
})
