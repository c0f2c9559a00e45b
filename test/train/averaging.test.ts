import { expect } from 'chai'
import { Dataset } from '../../lib/data/dataset.js'
import { batchNorm2d, conv2d, flatten, linear, relu } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { type Averaging, averageWeights, ema, swa } from '../../lib/optim/averaging.js'
import { sgd } from '../../lib/optim/spec.js'
import { evaluate } from '../../lib/train/evaluate.js'
import { train } from '../../lib/train/train.js'
import { snapshot } from '../nn/bits.js'
import { expectSealed } from '../prune/sealed.js'
import { expectClose } from '../support/close.js'
import { device } from '../support/device.js'
import { readGolden } from '../support/golden.js'
import { refusal } from '../support/refusal.js'
import { toyData, toyNetwork } from './toy.js'

interface Case {
  readonly name: string
  readonly kind: 'ema' | 'swa'
  readonly decay?: number
  readonly start?: number
  readonly epochs: number
}

const { fixture, tensor } = readGolden<{ cases: Case[] }>('averaging')
const layers = {
  conv: conv2d(1, 4, 3, { bias: false }),
  bn: batchNorm2d(4),
  relu: relu(),
  flatten: flatten(),
  fc: linear(64, 3),
}

async function prepared() {
  const net = network([1, 6, 6], layers, { device })
  for (const name of net.tensorNames()) {
    using values = tensor(`initial.${name}`)
    await net.put([[name, values]])
  }
  using keep = tensor('keep')
  await net.setMask('conv', keep)
  return net
}

function images() {
  using samples = tensor('images').to('cpu')
  using labels = tensor('labels').to('cpu')
  return Dataset.from(samples, labels)
}

describe('averages of weights', () => {
  for (const { name, kind, decay, start, epochs } of fixture.cases) {
    it(`are what torch.optim.swa_utils makes of them: ${name}, masked, batch statistics with it`, async () => {
      using net = await prepared()
      const averaging = kind === 'ema' ? ema(decay) : swa(start)
      const optimizer = sgd({ lr: 0.2, momentum: 0.9 })
      await train(net, images(), { epochs, batchSize: 24, optimizer, averaging })
      expect(await expectSealed(net)).to.be.above(0)
      for (const key of net.tensorNames()) {
        using ours = net.tensor(key)
        using theirs = tensor(`${name}.${key}`)
        expectClose(ours.detach().float(), theirs.float(), key, 'training')
      }
    })
  }

  it('weigh steps: all the way first, then by the decay; or by the number of epochs', () => {
    const all = (averaging: Averaging, epochs: number) =>
      Array.from({ length: epochs }, (_, i) => [...averageWeights(averaging, i + 1, epochs, 2)])
    expect(all(ema(0.75), 2)).to.deep.equal([
      [1, 0.25],
      [0.25, 0.25],
    ])
    expect(all(swa(0.5), 4)).to.deep.equal([
      [0, 0],
      [0, 0],
      [0, 1],
      [0, 1 / 2],
    ])
    expect(all(swa(0.9), 2), 'the last epoch at least').to.deep.equal([
      [0, 0],
      [0, 1],
    ])
  })

  it('of one epoch are its last weights, and validation reads the averaged network', async () => {
    const { train: data, validation } = toyData(96).split(32)
    const options = { epochs: 3, optimizer: sgd({ lr: 0.1, momentum: 0.9 }), batchSize: 16, validation }
    using plain = toyNetwork()
    await train(plain, data, options)
    using last = toyNetwork()
    await train(last, data, { ...options, averaging: swa(0.9) })
    expect(snapshot(last)).to.deep.equal(snapshot(plain))
    using averaged = toyNetwork()
    const { epochs } = await train(averaged, data, { ...options, averaging: ema(0.9) })
    expect(snapshot(averaged)).to.not.deep.equal(snapshot(plain))
    expect(epochs.at(-1)!.validationError).to.equal((await evaluate(averaged, validation)).top1Error)
  })

  it('take the mean of the statistics of all batches, and leave frozen layers alone', async () => {
    using net = await prepared()
    net.freeze('conv')
    using weight = net.tensor('conv.weight').detach().clone()
    using convolution = network([1, 6, 6], { conv: layers.conv }, { device })
    await convolution.put([['conv.weight', weight]])
    const data = images()
    // 24 images in batches of 10, 10 and 4, in the order of the data set.
    const optimizer = sgd({ lr: 0.1 })
    await train(net, data, { epochs: 1, batchSize: 10, optimizer, averaging: ema(0.5) })
    using kept = net.tensor('conv.weight').detach()
    expect(kept.equal(weight)).to.equal(true)
    const means = [
      [0, 10],
      [10, 20],
      [20, 24],
    ].map(([begin, end]) => {
      const indices = Array.from({ length: end! - begin! }, (_, i) => begin! + i)
      const { images } = data.batch(indices, device)
      return convolution.forward(images).mean([0, 2, 3])
    })
    using expected = means[0]!.add(means[1]!).add(means[2]!).div(3)
    using found = net.tensor('bn.running_mean').detach()
    expectClose(found, expected, 'bn.running_mean', 'sum')

    net.freeze('bn')
    const before = snapshot(net)
    await train(net, data, { epochs: 1, batchSize: 10, optimizer, averaging: ema(0.5) })
    const after = snapshot(net)
    for (const key of ['bn.weight', 'bn.running_mean', 'bn.running_var']) {
      expect(after[key]).to.deep.equal(before[key])
    }
    expect(after['fc.weight']).to.not.deep.equal(before['fc.weight'])
  })

  it('are refused out of range', () => {
    expect(refusal(() => ema(1)).message).to.match(/^ema: decay must be .* under 1, got 1$/)
    expect(refusal(() => swa(-0.1)).message).to.match(/^swa: start must be .*, got -0\.1$/)
  })
})
