import { expect } from 'chai'
import { Dataset } from '../../lib/data/dataset.js'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { l2 } from '../../lib/optim/regularization.js'
import { sgd } from '../../lib/optim/spec.js'
import { noGrad } from '../../lib/tensor/autograd.js'
import { tensor } from '../../lib/tensor/from.js'
import type { TrainOptions } from '../../lib/train/options.js'
import { train } from '../../lib/train/train.js'
import { device } from '../support/device.js'
import { laterRefusal } from '../support/refusal.js'
import { numbers, toyData, toyNetwork } from './toy.js'

// A GPU's losses are not read while an epoch runs. Training looks at the weights after it, and does not know what the
// losses and samples were.
const AT_ONCE = device === 'cpu'
const AT_THE_END =
  /^training diverged at the end of epoch \d: (fc\d\.(weight|bias) holds .+ of \d+ values|the loss is not a number)/

/** What training says that ends without numbers. */
async function said(more: Partial<TrainOptions>, dataset = toyData(), change?: (net: AnyNetwork) => void) {
  using net = toyNetwork()
  change?.(net as AnyNetwork)
  const options = { epochs: 4, optimizer: sgd({ lr: 0.1 }), batchSize: 16, ...more }
  const error = await laterRefusal(train(net, dataset, options))
  expect(error.code).to.equal('ERR_TORCH')
  return error.message
}

/** The toy's samples with one value of the last one replaced. */
function withOne(value: number): Dataset {
  const points = numbers(32 * 6)
  points[31 * 6] = value
  using images = tensor(points, { shape: [32, 6] })
  using labels = tensor(
    Array.from({ length: 32 }, (_, i) => i % 3),
    { dtype: 'int64' },
  )
  return Dataset.from(images, labels)
}

describe('where training runs out of numbers', () => {
  it('it names the learning rate when steps have made the loss grow', async () => {
    const message = await said({ optimizer: sgd({ lr: 1e15 }) })
    const rose =
      /^training diverged in epoch 1, step \d: the loss rose from 1\.\d+ to \S+, and then .* infinite values?;/
    expect(message).to.match(AT_ONCE ? rose : AT_THE_END)
    expect(message).to.match(/; lower the learning rate \(now 1000000000000000\)$/)
  })

  it('it names weights that no step has moved yet', async () => {
    const message = await said({}, toyData(), (net) => {
      using weight = net.tensor('fc1.weight')
      noGrad(() => weight.mul_(1e38))
    })
    if (AT_ONCE) {
      expect(message).to.match(/the loss of the first step was \S+ already; start from smaller weights$/)
      expect(message).not.to.match(/rate/)
    } else expect(message).to.match(AT_THE_END)
    const atOnce = await said({}, toyData(), (net) => {
      for (const name of ['fc1.weight', 'fc2.weight'] as const) {
        using weight = net.tensor(name)
        noGrad(() => weight.mul_(1e30))
      }
    })
    const unmoved = /step 1: the output of layer 'fc2' holds .* before any step has changed the/
    expect(atOnce).to.match(AT_ONCE ? unmoved : AT_THE_END)
  })

  it('it names samples that are too large', async () => {
    const message = await said({}, withOne(3e38))
    if (!AT_ONCE) return void expect(message).to.match(AT_THE_END)
    expect(message).to.match(/samples reach 3e\+38; scale them to about 1$/)
    expect(message).not.to.match(/rate/)
  })

  it('it names weight decay when that is what throws weights about', async () => {
    const message = await said({ epochs: 30, regularization: l2(1000) })
    expect(message).to.match(
      /learning rate times weight decay is 100, .*lower weightDecay and regularization \(now 1000/,
    )
  })

  it('it says so for the weights of the very last step, too', async () => {
    const message = await said({ epochs: 1, batchSize: 96, optimizer: sgd({ lr: 1e20 }) }, withLarge())
    expect(message).to.match(
      /at the end of epoch 1: fc\d\.(weight|bias) holds \d+ infinite values? of \d+ values/,
    )
  })

  it('the network keeps numbers: the step that would spoil them is not done', async function () {
    // A GPU does the step before anybody reads its loss.
    if (!AT_ONCE) this.skip()
    using net = toyNetwork()
    using weight = net.tensor('fc1.weight')
    noGrad(() => weight.mul_(1e38))
    await laterRefusal(train(net, toyData(), { epochs: 1, optimizer: sgd({ lr: 1 }), batchSize: 16 }))
    expect(weight.detach().isfinite().all().item()).to.equal(1)
  })
})

/** Samples whose gradients a rate of 1e20 makes infinite, and whose loss is a number. */
function withLarge(): Dataset {
  using images = tensor(
    numbers(96 * 6).map((value) => value * 1e3),
    { shape: [96, 6] },
  )
  using scaled = images.mul(1e18)
  using labels = tensor(
    Array.from({ length: 96 }, (_, i) => i % 3),
    { dtype: 'int64' },
  )
  return Dataset.from(scaled, labels)
}
