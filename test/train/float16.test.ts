import { expect } from 'chai'
import { Dataset } from '../../lib/data/dataset.js'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { sgd } from '../../lib/optim/spec.js'
import { noGrad } from '../../lib/tensor/autograd.js'
import { tensor } from '../../lib/tensor/from.js'
import { scope } from '../../lib/tensor/scope.js'
import { evaluate, predict } from '../../lib/train/evaluate.js'
import type { TrainOptions } from '../../lib/train/options.js'
import { train } from '../../lib/train/train.js'
import { snapshot } from '../nn/bits.js'
import { device } from '../support/device.js'
import { freshFolder } from '../support/folder.js'
import { laterRefusal } from '../support/refusal.js'
import { upTo } from './checkpoint_toy.js'
import { BATCH, BATCHES, golden, goldenData, ORDER, SPECS } from './loss_scale_toy.js'
import { numbers, toyData, toyNetwork } from './toy.js'

describe('training in float16', () => {
  it('comes as far as in float32, with a teacher too', async () => {
    const lossOf = async (more: Partial<TrainOptions>) => {
      using net = toyNetwork()
      const options = { epochs: 30, batchSize: 16, optimizer: sgd({ lr: 0.1, momentum: 0.9 }), ...more }
      const { epochs } = await train(net, toyData(), options)
      return epochs.at(-1)!.loss
    }
    using teacher = toyNetwork(7)
    for (const more of [{}, { distillation: { teacher, weight: 0.5, temperature: 2 } }]) {
      const exact = await lossOf(more)
      expect(await lossOf({ ...more, autocast: 'float16' })).to.be.closeTo(exact, 0.05)
    }
  })

  it('computes in float16 when asked, and in float32 again after it', async () => {
    using net = await golden()
    const lossIn = async (autocast: 'none' | 'float16' | 'bfloat16') =>
      (await evaluate(net, goldenData(), { autocast })).loss
    const exact = await lossIn('none')
    const [half, brain] = [await lossIn('float16'), await lossIn('bfloat16')]
    expect(Math.abs(half - exact))
      .to.be.above(0)
      .and.below(Math.abs(brain - exact))
    expect(await lossIn('none')).to.equal(exact)
    using logits = await predict(net, goldenData(), { autocast: 'float16' })
    expect(logits.dtype).to.equal('float32')
  })
})

describe('a checkpoint of training in float16', () => {
  const box = freshFolder()

  it('keeps the scale, so that another sitting leaves out the same steps', async () => {
    const path = box('position.safetensors')
    const options = {
      epochs: 2,
      batchSize: BATCH,
      optimizer: SPECS.sgd,
      autocast: 'float16',
      seed: 1,
    } as const
    using straight = await golden()
    await train(straight, goldenData(), options)
    const scales: (number | undefined)[] = []
    for (let over = false; !over; ) {
      using net = await golden()
      over = await upTo(1, path, (signal, { onSaved, ...checkpoint }) =>
        train(net, goldenData(), {
          ...options,
          signal,
          checkpoint: {
            ...checkpoint,
            onSaved(position) {
              scales.push(position.scale)
              onSaved?.(position)
            },
          },
        }),
      )
      if (over) expect(snapshot(net)).to.deep.equal(snapshot(straight))
    }
    // After each step but the last one of the first epoch.
    expect(scales).to.have.length(2 * BATCHES - 1)
    // It halves in the first epoch, and does not begin anew with the second.
    expect(scales[BATCHES - 2]).to.be.below(65536)
    expect(scales.at(-1)).to.be.at.most(scales[BATCHES - 2]!)
  })
})

describe('training whose numbers float16 does not hold', () => {
  /** What it says in the end. */
  async function said(dataset: Dataset, change: (net: AnyNetwork) => void = () => {}) {
    using net = toyNetwork()
    change(net)
    const before = snapshot(net)
    const options = { epochs: 10, batchSize: 16, optimizer: sgd({ lr: 0.1 }), autocast: 'float16' } as const
    const error = await laterRefusal(train(net, dataset, options))
    expect(error.code).to.equal('ERR_TORCH')
    expect(snapshot(net)).to.deep.equal(before)
    return error.message
  }

  /** Points that are so large. */
  function largePoints(size: number): Dataset {
    using images = tensor(
      numbers(96 * 6).map((value) => size * value),
      { shape: [96, 6] },
    )
    using labels = tensor(
      ORDER.map((i) => i % 3),
      { dtype: 'int64' },
    )
    return Dataset.from(images, labels)
  }

  it('ends where no scale brings gradients into its range', async () => {
    // Small weights keep outputs in its range; gradients of weights are products of large samples and large weights.
    const message = await said(largePoints(4e4), (net) => {
      noGrad(() =>
        scope(() => {
          net.tensor('fc1.weight').mul_(1e-5)
          net.tensor('fc2.weight').mul_(200)
        }),
      )
    })
    expect(message).to.match(
      /^training diverged in epoch 3, step 5: the gradient of fc1\.weight holds .* of 96 values, unscaled too: /,
    )
    expect(message).to.match(/float16 ends at 65504; use autocast 'bfloat16', or lower the learning rate/)
  })

  it('ends at once where outputs leave its range, as in other dtypes', async () => {
    if (device !== 'cpu') return
    const message = await said(largePoints(1), (net) => {
      using weight = net.tensor('fc1.weight')
      noGrad(() => weight.mul_(1e6))
    })
    expect(message).to.match(
      /^training diverged in epoch 1, step 1: the output of layer 'fc1' holds .*: float16 ends at 65504; use autocast 'bfloat16'$/,
    )
  })

  it('is told by evaluate and predict too', async () => {
    using net = toyNetwork()
    noGrad(() => scope(() => net.tensor('fc1.weight').mul_(1e6)))
    for (const ask of [evaluate, predict]) {
      const error = await laterRefusal(ask(net, largePoints(1), { autocast: 'float16' }))
      expect(error.message).to.match(/not finite in float16, which ends at 65504: use autocast 'bfloat16'/)
    }
  })
})
