import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { loadAddon } from '../../lib/binding/addon.js'
import { Dataset } from '../../lib/data/dataset.js'
import { loadNetwork } from '../../lib/nn/load.js'
import { Optimizer } from '../../lib/optim/optimizer.js'
import { l1, l2 } from '../../lib/optim/regularization.js'
import { sgd } from '../../lib/optim/spec.js'
import { applyCriterion } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import { noGrad } from '../../lib/tensor/autograd.js'
import { cuda } from '../../lib/tensor/cuda.js'
import { full, ones, randint, randn } from '../../lib/tensor/factories.js'
import { manualSeed } from '../../lib/tensor/random.js'
import { scope } from '../../lib/tensor/scope.js'
import { train } from '../../lib/train/train.js'
import { snapshot } from '../nn/bits.js'
import { device } from '../support/device.js'
import { expectSealed } from './sealed.js'
import { make, maskAll, type Net, SPECS, steps } from './sealing_toy.js'

/** Trains for an epoch in one job. */
async function runEpoch(net: Net, optimizer: Optimizer, dataset: Dataset): Promise<void> {
  const addon = loadAddon()
  const trainer = addon.trainerMake(net.handle, optimizer.handle, dataset.handle, { batchSize: 8 })
  await addon.trainerRun(trainer, { rates: [0.01], seed: 1 }).promise
  addon.trainerDispose(trainer)
}

beforeEach(() => manualSeed(1))

describe('a pruned weight is sealed:', () => {
  it('in a job, and in the moments that it leaves', async () => {
    using net = make()
    using images = randn([40, 2, 5, 5])
    using labels = randint(0, 3, [40]).long()
    using dataset = Dataset.from(images, labels)
    for (const spec of Object.values(SPECS)) {
      using optimizer = Optimizer.of(net, spec, l1(0.001))
      await maskAll(net)
      await runEpoch(net, optimizer, dataset)
      expect(optimizer.state().get('fc.weight')!.steps).to.equal(5)
      expect(await expectSealed(net, optimizer)).to.be.above(50)
    }
    await train(net, dataset, { epochs: 2, optimizer: sgd({ lr: 0.1, momentum: 0.9 }) })
    await expectSealed(net)
  })

  it('in a job whose gradients are infinite and NaN', async () => {
    // Small weights on large samples: the loss is a number, its gradient by the weights is none.
    using images = randn([16, 2, 5, 5]).tanh().mul_(1e38)
    using labels = randint(0, 3, [16]).long()
    using dataset = Dataset.from(images, labels)
    for (const spec of Object.values(SPECS)) {
      using net = make()
      using weight = net.tensor('conv.weight')
      noGrad(() => weight.mul_(1e-40))
      using optimizer = Optimizer.of(net, spec, l2(0.001))
      await maskAll(net)
      await runEpoch(net, optimizer, dataset)
      expect(weight.detach().isfinite().all().item(), spec.kind).to.equal(0)
      await expectSealed(net, optimizer)
    }
  })

  it('across a device move', async function () {
    using net = make()
    using optimizer = Optimizer.of(net, SPECS['AdamW with amsgrad']!)
    await steps(net, optimizer, 1)
    await maskAll(net)
    const moved = snapshot(net)
    await net.to(device)
    expect(snapshot(net)).to.deep.equal(moved)
    await expectSealed(net, optimizer)
    if (!cuda.isAvailable()) this.skip()
    const other = device === 'cpu' ? 'cuda' : 'cpu'
    await net.to(other)
    expect(snapshot(net)).to.deep.equal(moved)
    await net.assertSealed()
    await expectSealed(net, optimizer)
    await net.to(device)
    await steps(net, optimizer, 2)
    await net.to(other)
    for (const layer of net.prunable) {
      using keep = net.mask(layer)!
      await net.setMask(layer, keep) // while the moments are still where they were
    }
    await expectSealed(net, optimizer)
  })

  it('across a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'torch-prune-'))
    try {
      using net = make()
      using optimizer = Optimizer.of(net, SPECS.momentum!)
      await steps(net, optimizer, 1)
      await maskAll(net)
      await net.save(join(folder, 'net.safetensors'))
      using loaded = await loadNetwork(join(folder, 'net.safetensors'), { device })
      expect(snapshot(loaded)).to.deep.equal(snapshot(net))
      using other = Optimizer.of(loaded, SPECS.Nesterov!)
      await other.loadState(optimizer.state())
      expect(await expectSealed(loaded, other)).to.be.above(100)
      await steps(loaded as unknown as Net, other)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('when values are loaded into it', async () => {
    using net = make()
    await maskAll(net)
    using values = full([3, 36], Number.NaN, { device })
    await net.put([['fc.weight', values]])
    await expectSealed(net)
  })

  it('under a new mask, which alone may bring a place back, from +0', async () => {
    using net = make()
    using optimizer = Optimizer.of(net, SPECS.Adam!)
    await steps(net, optimizer, 1)
    await maskAll(net)
    using all = ones([3, 36], { device })
    await net.setMask('fc', all)
    using before = net.tensor('fc.weight').eq(0).sum()
    expect(before.item()).to.be.above(3)
    await steps(net, optimizer, 2)
    using after = net.tensor('fc.weight').eq(0).sum()
    expect(after.item()).to.equal(0)
    await net.setMask('fc', undefined)
    expect(net.mask('fc')).to.equal(undefined)
  })

  it('for good under criteria: a denser one changes nothing', async () => {
    using net = make()
    await applyCriterion(net, criteria.magnitude().density({ fc: 0.25, conv: 0.5 }))
    const masks = () => scope(() => net.prunable.map((layer) => net.mask(layer)!.data()))
    const sparse = masks()
    expect(sparse[1]!.filter((keep) => keep).length).to.equal(27)
    using optimizer = Optimizer.of(net, SPECS.momentum!)
    await steps(net, optimizer)
    await applyCriterion(net, criteria.magnitude().density(0.9))
    expect(masks()).to.deep.equal(sparse)
    await applyCriterion(net, criteria.magnitude().density({ fc: 0.125 }))
    const [conv, fc] = masks()
    expect(conv).to.deep.equal(sparse[0])
    expect(fc!.every((keep, i) => keep <= sparse[1]![i]!)).to.equal(true)
    expect(fc!.filter((keep) => keep).length).to.be.within(13, 14)
    await expectSealed(net, optimizer)
  })
})
