import { expect } from 'chai'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { l1 } from '../../lib/optim/regularization.js'
import { cosine, rateFactor, step } from '../../lib/optim/schedule.js'
import { adam } from '../../lib/optim/spec.js'
import { full, zeros } from '../../lib/tensor/factories.js'
import { memory, scope } from '../../lib/tensor/scope.js'
import { evaluate } from '../../lib/train/evaluate.js'
import type { TrainProgress } from '../../lib/train/progress.js'
import { train } from '../../lib/train/train.js'
import type { Epoch } from '../../lib/train/training.js'
import { snapshot } from '../nn/bits.js'
import { expectSealed } from '../prune/sealed.js'
import { device } from '../support/device.js'
import { toyData, toyNetwork } from './toy.js'
import { options, trained } from './toy_training.js'

describe('train', () => {
  it('learns', async () => {
    using net = toyNetwork()
    const data = toyData(256)
    const before = await evaluate(net, data)
    const { epochs } = await train(net, data, { ...options, epochs: 12 })
    const after = await evaluate(net, data)
    expect(epochs.map((each) => each.epoch)).to.deep.equal(Array.from({ length: 12 }, (_, i) => i + 1))
    expect(epochs[11]!.loss).to.be.below(0.6 * epochs[0]!.loss)
    expect(after.loss).to.be.below(0.5 * before.loss)
    expect(after.top1Error).to.be.below(20)
    expect(before.top1Error).to.be.above(40)
  })

  it('gives the same bits for the same seed, and others for another', async () => {
    const [first, again, other] = [await trained(5), await trained(5), await trained(6)]
    expect(again).to.deep.equal(first)
    for (const name of ['fc1.weight', 'fc2.bias']) expect(other[name]).to.not.deep.equal(first[name])
  })

  it("takes the network's seed unless it is given one", async () => {
    using net = toyNetwork(7)
    const before = snapshot(net)
    await train(net, toyData(), options)
    using same = toyNetwork(7)
    expect(snapshot(same)).to.deep.equal(before)
    await train(same, toyData(), { ...options, seed: 7 })
    expect(snapshot(same)).to.deep.equal(snapshot(net))
  })

  it('yields epochs, with the network free to use between', async () => {
    using net = toyNetwork()
    const validation = toyData(40, 2)
    const epochs: Epoch[] = []
    const job = train(net, toyData(), { ...options, epochs: 3, validation })
    for await (const epoch of job) {
      epochs.push(epoch)
      const { top1Error } = await evaluate(net, validation)
      expect(epoch.validationError).to.equal(top1Error)
      using input = zeros([1, 6], { device })
      net.forward(input).dispose()
    }
    expect(epochs.map(({ epoch, lr }) => [epoch, lr])).to.deep.equal([
      [1, 0.1],
      [2, 0.1],
      [3, 0.1],
    ])
    for (const { loss, trainError, seconds, samplesPerSecond } of epochs) {
      expect(loss).to.be.within(0, 3)
      expect(trainError).to.be.within(0, 100)
      expect(seconds).to.be.above(0)
      expect(samplesPerSecond).to.be.closeTo(96 / seconds, 96 / seconds)
    }
    expect(await job).to.deep.equal({ epochs })
  })

  it('gives the same whether followed or awaited', async () => {
    using net = toyNetwork()
    for await (const _ of train(net, toyData(), { ...options, seed: 5 }));
    expect(snapshot(net)).to.deep.equal(await trained(5))
  })

  it('stops when its loop is left, and lets the network go', async () => {
    using net = toyNetwork()
    const job = train(net, toyData(), { ...options, epochs: 1e6 })
    for await (const { epoch } of job) if (epoch === 2) break
    const after = snapshot(net)
    await new Promise(setImmediate)
    expect(snapshot(net)).to.deep.equal(after)
    const error = await Promise.resolve(job).catch((error: unknown) => error as Error)
    expect(error).to.include({ name: 'AbortError', message: 'the job was left before its end' })
    await train(net, toyData(), options)
  })

  it('does nothing when it was aborted before', async () => {
    using net = toyNetwork()
    const before = snapshot(net)
    const reason = new Error('changed my mind')
    const error = await Promise.resolve(
      train(net, toyData(), { ...options, signal: AbortSignal.abort(reason) }),
    ).catch((error: unknown) => error)
    expect(error).to.equal(reason)
    expect(snapshot(net)).to.deep.equal(before)
  })

  it('finishes its step when aborted in an epoch, and leaves a whole network', async () => {
    using net = toyNetwork()
    using keep = full([16, 6], 1, { device })
    keep.narrow(0, 0, 8).fill_(0)
    await net.setMask('fc1', keep)
    const before = snapshot(net)
    const stop = new AbortController()
    const reason = new Error('enough')
    let seen: TrainProgress | undefined
    const job = train(net, toyData(4096), {
      ...options,
      batchSize: 1,
      signal: stop.signal,
      onProgress(progress) {
        seen ??= progress
        stop.abort(reason)
      },
    })
    expect(await Promise.resolve(job).catch((error: unknown) => error)).to.equal(reason)
    expect(seen).to.include({ epoch: 1, epochs: 2, done: 1, total: 4096, samples: 1 })
    const after = snapshot(net)
    expect(after['fc2.weight']).to.not.deep.equal(before['fc2.weight'])
    await expectSealed(net)
    using weight = net.tensor('fc1.weight')
    expect(weight.grad).to.equal(undefined)
    await train(net, toyData(), options)
    await expectSealed(net)
  })

  it('rejects with what onProgress throws, and stops', async () => {
    using net = toyNetwork()
    const wrong = new Error('no such element')
    const onProgress = () => {
      throw wrong
    }
    const job = train(net, toyData(4096), { ...options, epochs: 1000, batchSize: 1, onProgress })
    expect(await Promise.resolve(job).catch((error: unknown) => error)).to.equal(wrong)
    const checked = evaluate(net, toyData(), { onProgress })
    expect(await checked.catch((error: unknown) => error)).to.equal(wrong)
    await train(net, toyData(), options)
  })

  it('rejects with what an async onProgress rejects with, also after the last step', async () => {
    using net = toyNetwork()
    const wrong = new Error('from onProgress')
    const onProgress = async () => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      throw wrong
    }
    for (const epochs of [1, 1000]) {
      const job = train(net, toyData(), { ...options, epochs, onProgress })
      expect(await job.catch((error: unknown) => error)).to.equal(wrong)
    }
    expect(await evaluate(net, toyData(), { onProgress }).catch((error: unknown) => error)).to.equal(wrong)
  })

  it('reports steps, samples and the running loss', async () => {
    using net = toyNetwork()
    const reports: TrainProgress[] = []
    await train(net, toyData(2048), { ...options, batchSize: 4, onProgress: (each) => reports.push(each) })
    expect(reports[0]).to.include({ epoch: 1, epochs: 2, done: 1, total: 512, samples: 4 })
    expect(reports.at(-1)!.epoch).to.equal(2)
    for (const { done, samples, loss, correct } of reports) {
      expect(samples).to.equal(4 * done)
      expect(correct).to.be.within(0, samples)
      expect(loss).to.be.within(0, 10)
    }
  })

  it('leaves as many live tensors as it found, over 300 steps', async () => {
    using net = toyNetwork()
    const data = toyData()
    await train(net, data, { ...options, epochs: 1 })
    const before = memory.liveTensors().tensors
    await train(net, data, { ...options, epochs: 50, validation: data, optimizer: adam() })
    expect(memory.liveTensors().tensors).to.be.at.most(before)
  })

  it('follows its schedule', async () => {
    using net = toyNetwork()
    const schedule = step(2, 0.5)
    const { epochs } = await train(net, toyData(), { ...options, epochs: 5, schedule })
    expect(epochs.map(({ lr }) => lr)).to.deep.equal([0.1, 0.1, 0.05, 0.05, 0.025])
    const rates = Array.from({ length: 10 }, (_, i) =>
      rateFactor(cosine({ warmup: 0.2, final: 0.1 }), i, 10, 1),
    )
    expect(rates.slice(0, 3)).to.deep.equal([1 / 3, 2 / 3, 1])
    expect(rates[6]).to.be.closeTo(0.55, 1e-12)
    expect(rates[9]).to.be.within(0.1, 0.2)
  })

  it('regularises weights and not biases', async () => {
    using net = toyNetwork()
    using small = toyNetwork()
    await train(net, toyData(), { ...options, epochs: 20 })
    await train(small, toyData(), { ...options, epochs: 20, regularization: l1(0.02) })
    const sum = (each: AnyNetwork) => scope(() => each.tensor('fc1.weight').detach().abs().sum().item())
    expect(sum(small)).to.be.below(0.6 * sum(net))
  })
})
