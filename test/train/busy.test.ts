import { expect } from 'chai'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { linear } from '../../lib/nn/layers/index.js'
import { Network } from '../../lib/nn/network.js'
import { Optimizer } from '../../lib/optim/optimizer.js'
import { ones, zeros } from '../../lib/tensor/factories.js'
import { scope } from '../../lib/tensor/scope.js'
import { evaluate } from '../../lib/train/evaluate.js'
import { train } from '../../lib/train/train.js'
import { snapshot } from '../nn/bits.js'
import { device } from '../support/device.js'
import { laterRefusal } from '../support/refusal.js'
import { toyData, toyNetwork } from './toy.js'
import { optimizer, options, trained } from './toy_training.js'

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
      const error = await laterRefusal((async () => attempt())())
      expect(error.code, what).to.equal('ERR_BUSY')
      expect(error.message, what).to.match(/ in use by train\(\): await it, or abort it, first$/)
    }
    expect((await laterRefusal(train(net, data, options))).code).to.equal('ERR_BUSY')
    expect((await laterRefusal(evaluate(net, data))).code).to.equal('ERR_BUSY')
    expect((await laterRefusal(net.save('/nowhere/net.safetensors'))).code).to.equal('ERR_BUSY')
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
    const error = await laterRefusal(train(net, toyData(), options))
    expect(error.message).to.match(/^a gradient hook written in JavaScript sits on a parameter/)
    hook.remove()
    await train(net, toyData(), options)
  })
})
