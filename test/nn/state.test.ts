import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { readSafetensors } from '../../lib/formats/safetensors.js'
import { batchNorm2d, conv2d, flatten, linear } from '../../lib/nn/layers/index.js'
import { loadNetwork } from '../../lib/nn/load.js'
import { network } from '../../lib/nn/network.js'
import { applyCriterion } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import { ones } from '../../lib/tensor/factories.js'
import type { Tensor } from '../../lib/tensor/tensor.js'
import { device } from '../support/device.js'
import { refusedWith } from '../support/refusal.js'
import { snapshot } from './bits.js'

const make = (seed = 0) =>
  network(
    [1, 4, 4],
    { conv: conv2d(1, 2, 3), bn: batchNorm2d(2), flat: flatten(), fc: linear(8, 3) },
    { seed, device },
  )
const pruned = async (seed = 0) => {
  const net = make(seed)
  await applyCriterion(net, criteria.magnitude().density({ fc: 0.25 }))
  return net
}
const disposeAll = (state: Record<string, Tensor>) => {
  for (const tensor of Object.values(state)) tensor.dispose()
}

const said = (work: Promise<unknown>) => refusedWith(work, 'ERR_ARGUMENT')

describe('a state dict', () => {
  it("has PyTorch's names, and each mask beside its weight", async () => {
    using net = await pruned()
    const state = await net.stateDict()
    expect(Object.keys(state)).to.have.members([...net.tensorNames(), 'fc.weight_mask'])
    expect(state['fc.weight_mask']!.dtype).to.equal('bool')
    expect(state['fc.weight_mask']!.sum().item()).to.equal(6)
    disposeAll(state)
  })

  it('has them as torch.nn.utils.prune does, or weights alone, where that is asked for', async () => {
    using net = await pruned()
    const theirs = await net.stateDict({ masks: 'weight_orig' })
    expect(theirs).to.not.have.property('fc.weight')
    expect(theirs['fc.weight_mask']!.dtype).to.equal('float32')
    expect(theirs).to.have.property('conv.weight')
    using product = theirs['fc.weight_orig']!.mul(theirs['fc.weight_mask']!)
    const plain = await net.stateDict({ masks: 'none' })
    expect(Object.keys(plain)).to.have.members(net.tensorNames())
    expect(product.equal(plain['fc.weight']!)).to.equal(true)
    disposeAll(theirs)
    disposeAll(plain)
  })

  it('holds copies', async () => {
    using net = await pruned()
    const before = snapshot(net)
    const state = await net.stateDict()
    for (const tensor of Object.values(state)) tensor.zero_()
    expect(snapshot(net)).to.deep.equal(before)
    disposeAll(state)
  })

  for (const masks of ['weight_mask', 'weight_orig'] as const) {
    it(`comes back the same with its masks as ${masks}`, async () => {
      using net = await pruned()
      using other = make(7)
      const state = await net.stateDict({ masks })
      expect(await other.loadStateDict(state)).to.deep.equal({ missingKeys: [], unexpectedKeys: [] })
      expect(snapshot(other)).to.deep.equal(snapshot(net))
      using a = net.mask('fc')
      using b = other.mask('fc')
      expect(a!.equal(b!)).to.equal(true)
      expect(other.mask('conv')).to.equal(undefined)
      await other.assertSealed()
      disposeAll(state)
    })
  }

  it('is refused with keys that are missing, unexpected or of another shape, and changes nothing', async () => {
    using net = make()
    using extra = ones([1], { device })
    const before = snapshot(net)
    const state = await net.stateDict()
    const { 'fc.bias': bias, ...rest } = state
    expect(await said(net.loadStateDict({ ...rest, 'fc2.bias': bias! }))).to.match(
      /loadStateDict: tensor "fc\.bias" is missing, tensor "fc2\.bias" belongs to no layer/,
    )
    expect(await said(net.loadStateDict({ ...state, 'fc.bias': extra }))).to.match(
      /tensor "fc\.bias" has shape \[1\], the network's has \[3\]/,
    )
    expect(await said(net.loadStateDict([] as never))).to.match(/fc|state/)
    expect(snapshot(net)).to.deep.equal(before)
    disposeAll(state)
  })

  it('loads what fits where strict is off, and says what does not', async () => {
    using net = make(1)
    using bias = ones([3], { device })
    using stranger = ones([2], { device })
    const before = snapshot(net)
    const keys = await net.loadStateDict({ 'fc.bias': bias, 'head.bias': stranger }, { strict: false })
    expect(keys.unexpectedKeys).to.deep.equal(['head.bias'])
    expect(keys.missingKeys).to.include('conv.weight').and.not.include('fc.bias')
    const after = snapshot(net)
    expect(after['conv.weight']).to.deep.equal(before['conv.weight'])
    using now = net.tensor('fc.bias')
    expect(now.toArray()).to.deep.equal([1, 1, 1])
  })

  it('is written as a file with its masks in any of these forms', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'torch-prune-state-'))
    try {
      using net = await pruned()
      const file = join(folder, 'net.safetensors')
      await net.save(file, { masks: 'weight_orig' })
      expect([...(await readSafetensors(file)).tensors.keys()]).to.include.members([
        'fc.weight_orig',
        'fc.weight_mask',
      ])
      using back = await loadNetwork(file, { device })
      expect(snapshot(back)).to.deep.equal(snapshot(net))
      await net.save(file, { masks: 'none' })
      expect([...(await readSafetensors(file)).tensors.keys()]).to.have.members(net.tensorNames())
      expect(await said(net.save(file, { masks: 'all' as never }))).to.match(/masks must be/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
