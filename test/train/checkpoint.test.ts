import { rmSync } from 'node:fs'
import { expect } from 'chai'
import { imageFolder } from '../../lib/data/images.js'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { loadNetwork } from '../../lib/nn/load.js'
import { loadWeights } from '../../lib/nn/weights_file.js'
import { ema, swa } from '../../lib/optim/averaging.js'
import { adamw } from '../../lib/optim/spec.js'
import { scope } from '../../lib/tensor/scope.js'
import type { Tensor } from '../../lib/tensor/tensor.js'
import { losses } from '../../lib/train/losses.js'
import type { TrainOptions } from '../../lib/train/options.js'
import { train } from '../../lib/train/train.js'
import type { Epoch } from '../../lib/train/training.js'
import { writePictures } from '../../scripts/imagenet/pictures.js'
import { device } from '../support/device.js'
import { freshFolder } from '../support/folder.js'
import { base, bitsOf, dataset, EPOCHS, prepared, STEPS, small, upTo } from './checkpoint_toy.js'

const box = freshFolder()

const cases: Record<string, Partial<TrainOptions>> = {
  'SGD with momentum, augmentation and dropout': {},
  'plain loops of AdamW, and smoothed labels': {
    optimizer: adamw({ lr: 0.01, fused: false }),
    loss: losses.crossEntropy({ labelSmoothing: 0.1 }),
  },
  'a moving average of the weights': { averaging: ema(0.8) },
  'stochastic weight averaging': { averaging: swa(0.3) },
  'channels-last, under bfloat16': { memoryFormat: 'channelsLast', autocast: 'bfloat16' },
  'under float16, with a scaled loss': { autocast: 'float16' },
  'a cache of the frozen prefix': { cachePrefix: true, cacheVariants: 2 },
  'kept weights alone': { sparse: 'on' },
  'channels-last and bfloat16': { memoryFormat: 'channelsLast', autocast: 'bfloat16' },
}

/** A training that is stopped each time it has been saved `every` times, and goes on in another network. */
async function inSittings(every: number, options: TrainOptions) {
  rmSync(box('position.safetensors'), { force: true })
  const epochs: Epoch[] = []
  for (let sitting = 0; sitting <= EPOCHS * STEPS + 1; sitting++) {
    // What is not in the file is gone with the process.
    const net = await prepared(options)
    const over = await upTo(every, box('position.safetensors'), async (signal, checkpoint) => {
      for await (const epoch of train(net, dataset, { ...options, signal, checkpoint })) epochs.push(epoch)
    })
    if (over) return { net, epochs }
    net.dispose()
  }
  return expect.fail('it does not come to its end')
}

/** What is the same however often a training was stopped: all but how fast an epoch was, and how its steps ran. */
const told = ({ seconds: _, samplesPerSecond: __, capture: ___, ...epoch }: Epoch) => epoch

/** How far values of the networks are apart at most, as a share of their tensor's largest. */
function apart(one: AnyNetwork, other: AnyNetwork): number {
  const shares = one.tensorNames().map((name) =>
    scope(() => {
      const [ours, theirs] = [one, other].map((net) => net.tensor(name).detach().float()) as [Tensor, Tensor]
      const largest = theirs.abs().max().item() as number
      return (ours.sub(theirs).abs().max().item() as number) / Math.max(largest, 1e-3)
    }),
  )
  return Math.max(...shares)
}

describe('training that is saved on the way', function () {
  this.timeout(60_000)

  for (const [what, changes] of Object.entries(cases)) {
    it(`ends at the bits of an unbroken one, wherever it was stopped: ${what}`, async () => {
      const options = { ...base, ...changes }
      using unbroken = await prepared(options)
      const whole = await train(unbroken, dataset, options)
      const wanted = bitsOf(unbroken)
      for (let every = 1; every <= EPOCHS * STEPS; every += every < STEPS ? 1 : 3) {
        const { net, epochs } = await inSittings(every, options)
        using _ = net
        expect(bitsOf(net) === wanted, `stopped every ${every} steps`).to.equal(true)
        await net.assertSealed()
        expect(epochs.map(told)).to.deep.equal(whole.epochs.map(told))
      }
    })
  }

  it('ends within rounding of an unbroken one where a GPU captures steps', async () => {
    const options = { ...base, capture: true }
    using unbroken = await prepared(options)
    const whole = await train(unbroken, dataset, options)
    if (device !== 'cpu') expect(whole.epochs.at(-1)!.capture?.steps).to.be.above(0)
    for (const every of [1, STEPS - 1, 2 * STEPS]) {
      const { net, epochs } = await inSittings(every, options)
      using _ = net
      expect(apart(net, unbroken), `stopped every ${every} steps`).to.be.at.most(1e-5)
      await net.assertSealed()
      for (const [i, { loss }] of epochs.entries()) expect(loss).to.be.closeTo(whole.epochs[i]!.loss, 1e-5)
    }
  })

  it('goes on among images that are read ahead', async () => {
    await writePictures(box(), { classes: 3, train: 6, held: 1, side: 24 })
    const { train: images } = await imageFolder(box(), { size: 6, resize: 8, validation: 3 })
    const options = { ...base, augment: { resizedCrop: true, flip: true } as const }
    using unbroken = await prepared(options)
    await train(unbroken, images, options)
    for (let over = false; !over; ) {
      using net = await prepared(options)
      over = await upTo(1, box('position.safetensors'), (signal, checkpoint) =>
        train(net, images, { ...options, signal, checkpoint }),
      )
      if (over) expect(bitsOf(net) === bitsOf(unbroken)).to.equal(true)
    }
  })

  it('does the same work where it is never stopped, and ends at once when it is called again', async () => {
    using unbroken = await prepared(base)
    await train(unbroken, dataset, base)
    using saving = await prepared(base)
    const path = box('often.safetensors')
    const positions: string[] = []
    const onSaved = ({ epoch, steps }: { epoch: number; steps: number }) => {
      positions.push(`${epoch}.${steps}`)
    }
    await train(saving, dataset, { ...base, checkpoint: { path, minutes: 0, onSaved } })
    expect(bitsOf(saving) === bitsOf(unbroken)).to.equal(true)
    expect(positions.slice(0, STEPS)).to.deep.equal(['1.1', '1.2', '1.3', '1.4', '1.5', '2.1'])
    expect(positions.at(-1)).to.equal('4.0')

    using again = await prepared(base)
    const { epochs } = await train(again, dataset, { ...base, checkpoint: { path } })
    expect(epochs).to.deep.equal([])
    expect(bitsOf(again) === bitsOf(unbroken)).to.equal(true)
  })

  it('finishes the step it is in when it is aborted, and saves that', async () => {
    using net = await prepared(base)
    const controller = new AbortController()
    const path = box('aborted.safetensors')
    const positions: number[] = []
    const work = train(net, dataset, {
      ...base,
      epochs: 500,
      signal: controller.signal,
      onProgress: () => controller.abort(),
      checkpoint: { path, onSaved: ({ epoch, steps }) => void positions.push((epoch - 1) * STEPS + steps) },
    })
    await work.then(
      () => expect.fail('it went on'),
      (error: unknown) => expect(error).to.equal(controller.signal.reason),
    )
    expect(positions).to.have.length(1)
    using held = await loadNetwork(path)
    expect(bitsOf(held) === bitsOf(net)).to.equal(true)
    using loaded = small(9)
    await loadWeights(loaded, path)
    expect(bitsOf(loaded) === bitsOf(net)).to.equal(true)
  })
})
