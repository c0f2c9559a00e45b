import { expect } from 'chai'
import { Dataset } from '../../lib/data/dataset.js'
import { batchNorm2d, conv2d, flatten, linear } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { Optimizer } from '../../lib/optim/optimizer.js'
import { ones } from '../../lib/tensor/factories.js'
import { tensor } from '../../lib/tensor/from.js'
import { train } from '../../lib/train/train.js'
import { snapshot } from '../nn/bits.js'
import { device } from '../support/device.js'
import { refusal } from '../support/refusal.js'
import { numbers } from './toy.js'
import { optimizer, options } from './toy_training.js'

describe('frozen layers', () => {
  const make = () =>
    network(
      [1, 4, 4],
      { conv: conv2d(1, 3, 3), bn: batchNorm2d(3), flat: flatten(), fc: linear(12, 3) },
      { seed: 1, device },
    )
  const data = () => {
    using images = tensor(numbers(40 * 16), { shape: [40, 1, 4, 4] })
    using labels = tensor(
      Array.from({ length: 40 }, (_, i) => i % 3),
      { dtype: 'int64' },
    )
    return Dataset.from(images, labels)
  }
  const changed = (before: Record<string, Uint8Array>, after: Record<string, Uint8Array>) =>
    Object.keys(before).filter((name) => Buffer.compare(before[name]!, after[name]!) !== 0)

  it('keep their bits, statistics and all, while the others train', async () => {
    using net = make()
    net.freeze('conv', 'bn')
    expect(net.frozen).to.deep.equal(['conv', 'bn'])
    const before = snapshot(net)
    await train(net, data(), options)
    expect(changed(before, snapshot(net))).to.deep.equal(['fc.weight', 'fc.bias'])
    net.unfreeze('conv')
    await train(net, data(), options)
    expect(changed(before, snapshot(net))).to.deep.equal(['conv.weight', 'conv.bias', 'fc.weight', 'fc.bias'])
    net.unfreeze()
    expect(net.frozen).to.deep.equal([])
    await train(net, data(), options)
    expect(changed(before, snapshot(net))).to.deep.equal(Object.keys(before))
  })

  it('do not move by momentum or a gradient from before', async () => {
    using net = make()
    using own = Optimizer.of(net, optimizer)
    for (const name of net.tensorNames().slice(0, 2)) {
      using weight = net.tensor(name)
      weight.grad = ones(weight.shape, { device })
    }
    own.step()
    net.freeze('conv')
    const before = snapshot(net)
    own.step()
    expect(changed(before, snapshot(net))).to.deep.equal([])
  })

  it('cannot be all', async () => {
    using net = make()
    net.freeze('conv', 'bn', 'fc')
    const error = refusal(() => train(net, data(), options))
    expect(error.code).to.equal('ERR_ARGUMENT')
    expect(error.message).to.match(/^there is nothing to train: every layer is frozen/)
    net.unfreeze('fc')
    await train(net, data(), options)
  })
})
