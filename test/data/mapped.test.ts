import { expect } from 'chai'
import { TorchPruneError } from '../../lib/base/errors.js'
import { ones } from '../../lib/tensor/factories.js'
import { evaluate, predict } from '../../lib/train/evaluate.js'
import { losses } from '../../lib/train/losses.js'
import { train } from '../../lib/train/train.js'
import { snapshot } from '../nn/bits.js'
import { laterRefusal } from '../support/refusal.js'
import { toyData, toyNetwork } from '../train/toy.js'
import { plan } from './toy_batches.js'

describe('a mapped dataset', () => {
  it('has its batches changed, with the order and the seed of the training', async () => {
    const set = toyData()
    using plain = toyNetwork()
    using same = toyNetwork()
    await train(plain, set, plan)
    const indices: number[][] = []
    const mapped = set.map((batch) => {
      indices.push([...batch.indices])
      return batch
    })
    await train(same, mapped, plan)
    expect(snapshot(same)).to.deep.equal(snapshot(plain))
    expect(indices.length).to.equal(18)
    expect(new Set(indices.slice(0, 6).flat()).size).to.equal(96)
    expect(indices[0]).to.not.deep.equal(indices[6])
    expect([mapped.length, mapped.sampleShape]).to.deep.equal([96, [6]])
  })

  it('can be split, read, predicted and evaluated, in other shapes, by functions that take their time', async () => {
    const set = toyData()
    const mapped = set.map(
      async ({ images, labels }) => {
        await null
        return { images: images.slice(1, 0, 3).mul(2), labels: labels.to('float32').unsqueeze(1) }
      },
      { sampleShape: [3], targetShape: [1], targetDtype: 'float32' },
    )
    const { validation } = mapped.split(32)
    expect([validation.length, validation.targetShape]).to.deep.equal([32, [1]])
    using read = await validation.read([0, 5])
    using first = set.batch([64, 69]).images
    expect(read.images.toArray()).to.deep.equal(first.slice(1, 0, 3).mul(2).toArray())
    expect(read.labels.shape).to.deep.equal([2, 1])
    const twice = mapped.map(({ images, labels }) => ({ images: images.add(ones([1])), labels }))
    using again = await twice.read([0])
    using before = await mapped.read([0])
    expect(again.images.toArray()).to.deep.equal(before.images.add(1).toArray())
    const net = toyNetwork()
    using outputs = await predict(
      net,
      set.map((batch) => batch),
    )
    using expected = await predict(net, set)
    expect(outputs.equal(expected)).to.equal(true)
  })

  it('fails with the cause of its function, and where samples go missing', async () => {
    using net = toyNetwork()
    const boom = new TypeError('not today')
    const failing = toyData().map(() => {
      throw boom
    })
    const error = await laterRefusal(train(net, failing, plan))
    expect(error).to.be.instanceOf(TorchPruneError)
    expect(error.cause).to.equal(boom)
    const outer = failing.map((batch) => batch)
    expect((await laterRefusal(evaluate(net, outer))).cause).to.equal(boom)
    const fewer = toyData().map(({ images, labels }) => ({
      images: images.slice(0, 0, 2),
      labels: labels.slice(0, 0, 2),
    }))
    expect((await laterRefusal(evaluate(net, fewer))).message).to.match(
      /must return as many samples as it is given, 96, got 2$/,
    )
  })

  it('gives a regression its targets from what its samples are', async () => {
    using net = toyNetwork()
    const set = toyData().map(
      ({ images }) => ({ images: images.clone(), labels: images.slice(1, 0, 3).clone() }),
      { targetShape: [3], targetDtype: 'float32' },
    )
    const { epochs } = await train(net, set, { ...plan, loss: losses.mse() })
    expect(epochs[2]!.loss).to.be.below(epochs[0]!.loss)
  })
})
