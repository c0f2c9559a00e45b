import { expect } from 'chai'
import type { TorchPruneError } from '../../lib/base/errors.js'
import { Dataset } from '../../lib/data/dataset.js'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { batchNorm2d, conv2d, flatten, linear } from '../../lib/nn/layers/index.js'
import { Network, network } from '../../lib/nn/network.js'
import { swa } from '../../lib/optim/averaging.js'
import { Optimizer } from '../../lib/optim/optimizer.js'
import { l1 } from '../../lib/optim/regularization.js'
import { cosine, rateFactor, step } from '../../lib/optim/schedule.js'
import { adam, sgd } from '../../lib/optim/spec.js'
import { full, ones, randn, zeros } from '../../lib/tensor/factories.js'
import { tensor } from '../../lib/tensor/from.js'
import { memory, scope } from '../../lib/tensor/scope.js'
import { evaluate } from '../../lib/train/evaluate.js'
import type { TrainProgress } from '../../lib/train/progress.js'
import { train } from '../../lib/train/train.js'
import type { Epoch } from '../../lib/train/training.js'
import { snapshot } from '../nn/bits.js'
import { expectSealed } from '../prune/sealed.js'
import { device } from '../support/device.js'
import { refusal } from '../support/refusal.js'
import { numbers, toyData, toyNetwork } from './toy.js'

const optimizer = sgd({ lr: 0.1, momentum: 0.9 })
const options = { epochs: 2, optimizer, batchSize: 16 }

/** The error that work ends with, ours and one line. */
async function rejection(work: PromiseLike<unknown>): Promise<TorchPruneError> {
  try {
    await work
  } catch (error) {
    return refusal(() => {
      throw error
    })
  }
  return expect.fail('it was accepted')
}

async function trained(seed: number, more: object = {}) {
  using net = toyNetwork()
  await train(net, toyData(), { ...options, seed, ...more })
  return snapshot(net)
}

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

describe('while a job runs', () => {
  it('its network, tensors and optimizers are busy, and nothing else', async () => {
    using net = toyNetwork()
    using other = toyNetwork()
    using weight = net.tensor('fc1.weight')
    using view = weight.detach().flatten()
    using own = Optimizer.of(net, optimizer)
    const data = toyData(20_000)
    let begun = () => {}
    const beginning = new Promise<void>((resolve) => {
      begun = resolve
    })
    const job = train(net, data, { ...options, onProgress: () => begun() })
    await beginning
    using values = zeros([16, 6], { device })
    const attempts: Record<string, () => unknown> = {
      tensor: () => net.tensor('fc2.weight'),
      forward: () => net.forward(values),
      mask: () => net.mask('fc1'),
      setMask: () => net.setMask('fc1', values),
      freeze: () => net.freeze('fc1'),
      to: () => net.to(device),
      setDropout: () => net.setDropout('drop', 0),
      reseed: () => net.reseed(1),
      put: () => net.put([['fc1.weight', values]]),
      assertSealed: () => net.assertSealed(),
      'Optimizer.of': () => Optimizer.of(net, optimizer),
      step: () => own.step(),
      state: () => own.state(),
      'a tensor': () => weight.sum(),
      'its elements': () => weight.data(),
      'its gradient': () => weight.grad,
      'a view': () => view.add_(1),
      'an operand': () => values.add(weight),
    }
    for (const [what, attempt] of Object.entries(attempts)) {
      const error = await rejection((async () => attempt())())
      expect(error.code, what).to.equal('ERR_BUSY')
      expect(error.message, what).to.match(/ in use by train\(\): await it, or abort it, first$/)
    }
    expect((await rejection(train(net, data, options))).code).to.equal('ERR_BUSY')
    expect((await rejection(evaluate(net, data))).code).to.equal('ERR_BUSY')
    expect((await rejection(net.save('/nowhere/net.safetensors'))).code).to.equal('ERR_BUSY')
    expect(net.frozen, 'nothing half done').to.deep.equal([])
    expect(net.dropout('drop')).to.equal(0.2)
    other.forward(values).dispose()
    expect(weight.shape).to.deep.equal([16, 6])
    await job
    for (const attempt of Object.values(attempts)) await attempt()
  })

  it('others wait for their turn', async () => {
    using first = toyNetwork()
    using second = toyNetwork()
    const data = toyData()
    const jobs = [first, second].map((net, i) => train(net, data, { ...options, seed: i }).result())
    await Promise.all(jobs)
    expect(snapshot(first)).to.deep.equal(await trained(0))
    expect(snapshot(second)).to.deep.equal(await trained(1))
  })

  it('tensors made meanwhile are not taken for gradients that it let go', async () => {
    const layers = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`fc${i}`, linear(6, 6)]))
    using net: AnyNetwork = new Network([6], layers, { device })
    for (const name of net.tensorNames()) {
      using weight = net.tensor(name)
      using gradient = ones(weight.shape, { device })
      weight.grad = gradient
    }
    let running = true
    const job = train(net, toyData(2000), { epochs: 1, optimizer, batchSize: 8 }).result()
    const ended = job.finally(() => {
      running = false
    })
    while (running) {
      await new Promise(setImmediate)
      scope(() => Array.from({ length: 100 }, () => zeros([6, 6], { device })).map((each) => each.add_(1)))
    }
    await ended
  })
})

describe('a gradient hook of JavaScript', () => {
  it('on a network that a job trains ends the job with an error', async () => {
    using net = toyNetwork()
    using weight = net.tensor('fc1.weight')
    using hook = weight.registerHook(() => undefined)
    const error = await rejection(train(net, toyData(), options))
    expect(error.message).to.match(/^a gradient hook written in JavaScript sits on a parameter/)
    hook.remove()
    await train(net, toyData(), options)
  })
})

describe('data that does not fit is refused:', () => {
  const images = randn([4, 6])
  const labels = (values: number[]) => tensor(values, { dtype: 'int64' })
  const cases: [what: string, code: string, says: RegExp, make: () => Dataset][] = [
    [
      'fewer labels',
      'ERR_SHAPE',
      /^images must be \[N, C, ...\] and labels \[N\]/,
      () => Dataset.from(images, labels([0, 1])),
    ],
    [
      'labels without samples',
      'ERR_SHAPE',
      /^labels must be \[N\] or \[N, ...\]/,
      () => Dataset.from(images, zeros([])),
    ],
    [
      'no sample',
      'ERR_SHAPE',
      /^a dataset needs at least one sample$/,
      () => Dataset.from(zeros([0, 6]), labels([])),
    ],
    [
      'a deviation of 0',
      'ERR_ARGUMENT',
      /^std must be over 0/,
      () => Dataset.from(zeros([1, 1, 2, 2]).to('uint8'), labels([0]), { mean: [0], std: [0] }),
    ],
    [
      'no mean for bytes',
      'ERR_SHAPE',
      /^mean and std need one number a channel, 3$/,
      () => Dataset.from(zeros([1, 3, 2, 2]).to('uint8'), labels([0])),
    ],
    [
      'a mean for floats',
      'ERR_ARGUMENT',
      /^only uint8 images are normalized here/,
      () => Dataset.from(images, labels([0, 1, 2, 0]), { mean: [0], std: [1] }),
    ],
    [
      'too large a validation part',
      'ERR_ARGUMENT',
      /^a validation part of 96 of 96 samples: use 1 to 95$/,
      () => toyData().split(96).train,
    ],
    ['an empty slice', 'ERR_ARGUMENT', /^samples 3..3 of a dataset of 96$/, () => toyData().slice(3, 3)],
  ]
  for (const [what, code, says, make] of cases) {
    it(what, () => {
      const error = refusal(make)
      expect(error.message).to.match(says)
      expect(error.code).to.equal(code)
    })
  }

  it('a class without an output, before any step', async () => {
    using net = toyNetwork()
    const before = snapshot(net)
    const data = Dataset.from(images, labels([0, 3, 1, 2]))
    const says = (name: string) =>
      `${name} has a label 3, the network has outputs for 3 classes: give it one for each`
    expect(refusal(() => train(net, data, options)).message).to.equal(says('the training set'))
    const validated = () => train(net, toyData(), { ...options, validation: data })
    expect(refusal(validated).message).to.equal(says('the validation set'))
    expect((await rejection(evaluate(net, data))).message).to.equal(says('the dataset'))
    expect(snapshot(net)).to.deep.equal(before)
  })

  it('samples of another shape', async () => {
    using net = toyNetwork()
    const data = Dataset.from(zeros([4, 5]), labels([0, 1, 2, 0]))
    const says = (name: string) => `the network takes samples of shape [6], ${name} holds [5]`
    expect(refusal(() => train(net, data, options)).message).to.equal(says('the training set'))
    expect((await rejection(evaluate(net, data))).message).to.equal(says('the dataset'))
  })

  it('a network that ends in an image', async () => {
    using net = network([1, 4, 4], { conv: conv2d(1, 3, 3) }, { device })
    const data = Dataset.from(zeros([4, 1, 4, 4]), labels([0, 1, 2, 0]))
    expect(refusal(() => train(net, data, options)).message).to.match(
      /^the output of the network must be \[classes\] for each sample, got \[3, 2, 2\]/,
    )
  })

  it('one value a channel for batch norm to train on', async () => {
    using net = network([1, 2, 2], { conv: conv2d(1, 3, 2), bn: batchNorm2d(3), flat: flatten() }, { device })
    const data = Dataset.from(zeros([5, 1, 2, 2]), labels([0, 1, 2, 0, 1]))
    const before = snapshot(net)
    const start = (more: object) => () => train(net, data, { ...options, ...more })
    expect(refusal(start({ batchSize: 4 })).message).to.equal(
      "batch normalization 'bn' cannot train on a batch of one sample, and 5 samples in batches of 4 end with one: set dropLast: true, or another batchSize",
    )
    expect(refusal(start({ batchSize: 1 })).message).to.match(/: raise batchSize, or freeze 'bn'$/)
    expect(snapshot(net)).to.deep.equal(before)
    expect((await evaluate(net, data, { batchSize: 1 })).samples).to.equal(5)
    await start({ batchSize: 4, dropLast: true, averaging: swa(0) })()
    await start({ batchSize: 5 })()
    net.freeze('bn')
    await start({ batchSize: 4 })()
  })

  it('a last batch that is dropped, and no other', async () => {
    const run = async (count: number, dropLast: boolean) => {
      using net = toyNetwork()
      let total = 0
      const onProgress = (progress: TrainProgress) => {
        total = progress.total
      }
      const { epochs } = await train(net, toyData(count), { ...options, dropLast, onProgress })
      return { total, loss: epochs.map(({ loss }) => loss), weights: snapshot(net) }
    }
    expect((await run(40, true)).total).to.equal(2)
    expect((await run(40, false)).total).to.equal(3)
    expect(await run(32, true), 'a full one stays').to.deep.equal(await run(32, false))
    using net = toyNetwork()
    expect(refusal(() => train(net, toyData(15), { ...options, dropLast: true })).message).to.match(
      /^dropLast leaves no batch of 16 in 15 samples/,
    )
  })

  it('no epochs, half a batch', () => {
    using net = toyNetwork()
    expect(refusal(() => train(net, toyData(), { ...options, epochs: 0 })).message).to.match(
      /^train: epochs must be/,
    )
    expect(refusal(() => train(net, toyData(), { ...options, batchSize: 0.5 })).message).to.match(
      /^train: batchSize must/,
    )
  })

  it('a dataset that was disposed of', async () => {
    using net = toyNetwork()
    const data = toyData()
    data.dispose()
    expect(refusal(() => train(net, data, options)).code).to.equal('ERR_DISPOSED')
    await train(net, toyData(), options)
  })
})

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
