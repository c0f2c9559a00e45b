import { expect } from 'chai'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { isPrunable, outputAxis } from '../../lib/nn/cost.js'
import { exactLevels, nearestLevels } from '../../lib/nn/int8.js'
import { batchNorm2d, conv2d, convTranspose2d, flatten, linear, relu } from '../../lib/nn/layers/index.js'
import { loadNetwork } from '../../lib/nn/load.js'
import { network } from '../../lib/nn/network.js'
import { sgd } from '../../lib/optim/spec.js'
import { applyCriterion } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import type { QuantizeEvent } from '../../lib/quantize/progress.js'
import { quantize } from '../../lib/quantize/quantize.js'
import { roundWeights } from '../../lib/quantize/rounding.js'
import { networkSize } from '../../lib/quantize/size.js'
import { randn } from '../../lib/tensor/factories.js'
import { tensor } from '../../lib/tensor/from.js'
import { manualSeed } from '../../lib/tensor/random.js'
import { evaluate } from '../../lib/train/evaluate.js'
import { snapshot } from '../nn/bits.js'
import { device } from '../support/device.js'
import { freshFolder } from '../support/folder.js'
import { expectSameOutputs, itRuns, readModel } from '../support/onnx.js'
import { laterRefusal, refusal } from '../support/refusal.js'
import { toyData, toyNetwork } from '../train/toy.js'
import { shareAll } from './shared.js'

/** Layers of each order of dimensions, in groups too. */
const make = () =>
  network(
    [4, 6, 6],
    {
      conv: conv2d(4, 6, 3, { groups: 2, padding: 1 }),
      bn: batchNorm2d(6),
      relu: relu(),
      up: convTranspose2d(6, 8, 2, { groups: 2, stride: 2 }),
      flatten: flatten(),
      fc: linear(8 * 12 * 12, 5),
    },
    { seed: 4, device },
  )

/** A layer's weight by output channels, in plain numbers. */
function channelsOf(net: AnyNetwork, layer: string): number[][] {
  const node = net.nodes.filter(isPrunable).find(({ name }) => name === layer)!
  using weight = net.tensor(`${layer}.weight` as never).detach()
  using first = weight.transpose(0, outputAxis(node))
  using rows = first.reshape([first.shape[0]!, -1])
  return rows.toArray() as number[][]
}

describe('weights in int8', () => {
  const box = freshFolder()
  beforeEach(() => manualSeed(1))

  it('are the nearest of 255 levels in each output channel, and zeros stay zeros', async () => {
    using net = make()
    await applyCriterion(net, criteria.magnitude().density(0.4))
    const before = Object.fromEntries(net.prunable.map((layer) => [layer, channelsOf(net, layer)]))
    await roundWeights(net)
    await net.assertSealed()
    for (const layer of net.prunable) {
      for (const [i, channel] of channelsOf(net, layer).entries()) {
        const was = before[layer]![i]!
        const scale = Math.max(...was.map(Math.abs)) / 127
        expect(new Set(channel).size).to.be.at.most(255)
        for (const [j, value] of channel.entries()) {
          expect(Math.abs(value - was[j]!), layer).to.be.at.most(scale * 0.5001)
          expect(value / scale, layer).to.be.closeTo(Math.round(value / scale), 1e-3)
          if (was[j] === 0) expect(Object.is(value, 0), layer).to.equal(true)
        }
      }
    }
  })

  it('are known by their values, and rounding them again changes nothing', async () => {
    using net = make()
    for (const layer of net.prunable) {
      using weight = net.tensor(`${layer}.weight`)
      expect(await exactLevels(weight, 0), layer).to.equal(undefined)
    }
    await roundWeights(net)
    const once = snapshot(net)
    for (const node of net.nodes.filter(isPrunable)) {
      using weight = net.tensor(`${node.name}.weight` as never)
      const found = (await exactLevels(weight, outputAxis(node)))!
      expect(found.levels.dtype).to.equal('int8')
      expect(found.levels.shape).to.deep.equal(weight.shape)
      expect(found.scales.shape).to.deep.equal([weight.shape[outputAxis(node)]])
      found.levels.dispose()
      found.scales.dispose()
    }
    await roundWeights(net)
    expect(snapshot(net)).to.deep.equal(once)
  })

  it('are told for any scale, tiny and huge ones too, and channels of nothing', async () => {
    const rows = Array.from({ length: 400 }, (_, i) => {
      const scale = 10 ** ((i % 70) - 35) * (1 + i / 777)
      return Array.from({ length: 40 }, (_, j) => (i === 0 ? 0 : Math.sin(i + 13 * j) * scale))
    })
    using weight = tensor(rows)
    const { levels, scales } = await nearestLevels(weight, 0)
    using each = scales.reshape([-1, 1])
    using floats = levels.to('float32')
    using rounded = floats.mul(each)
    const exact = (await exactLevels(rounded, 0))!
    using again = exact.scales.reshape([-1, 1])
    using exactFloats = exact.levels.to('float32')
    using product = exactFloats.mul(again)
    expect(product.toArray()).to.deep.equal(rounded.toArray())
    for (const held of [levels, scales, exact.levels, exact.scales]) held.dispose()
  })

  it('come of quantize(), which says how good they are and what they take', async () => {
    const [net, data] = [toyNetwork(), { train: toyData(192), validation: toyData(96, 7) }]
    const { error } = await evaluate(net, data.validation)
    const events: QuantizeEvent[] = []
    const job = quantize(net, data, { scheme: 'int8' })
    for await (const event of job) events.push(event)
    expect(events.map(({ stage }) => stage)).to.deep.equal(['rounded', 'done'])
    const result = await job
    expect(result.validationErrorBefore).to.equal(error)
    expect(result.validationError).to.equal((await evaluate(net, data.validation)).error)
    for (const layer of result.layers) {
      expect(layer).to.include({ bits: 8, gapBits: 0 }).and.not.have.property('values')
      expect(layer.entropy).to.be.within(3, 8)
    }
    expect((await networkSize(net)).bytes).to.equal(result.bytes)
    await net.save(box('int8.safetensors'))
    using again = await loadNetwork(box('int8.safetensors'))
    expect((await networkSize(again)).layers).to.deep.equal(result.layers)
    net.dispose()
  })

  it('take the place of shared values, under the same mask', async () => {
    using net = toyNetwork()
    await applyCriterion(net, criteria.magnitude().density(0.5))
    await shareAll(net, 5)
    await roundWeights(net)
    expect(net.prunable.map((layer) => net.codebook(layer))).to.deep.equal([undefined, undefined])
    await net.assertSealed()
    using mask = net.mask('fc1')!
    using kept = mask.sum()
    expect(kept.item()).to.equal(48)
  })

  it('are refused with what trains or counts shared values, and where weights are not finite', async () => {
    using net = toyNetwork()
    const data = { train: toyData(32), validation: toyData(16, 7) }
    const retrain = { epochs: 1, optimizer: sgd({ lr: 0.1 }) }
    for (const option of [{ values: 4 }, { bits: 2 }, { budget: { bytes: 1e6 } }, { retrain }]) {
      const { code, message } = refusal(() => quantize(net, data, { scheme: 'int8', ...option }))
      expect(code).to.equal('ERR_ARGUMENT')
      expect(message).to.match(/with scheme 'int8' weights share no values/)
    }
    using wrong = tensor([[1, Number.POSITIVE_INFINITY]])
    expect((await laterRefusal(nearestLevels(wrong, 0))).message).to.match(/NaN or infinite/)
    expect(await exactLevels(wrong, 0)).to.equal(undefined)
  })

  itRuns('are bytes in an ONNX model, which computes what the network does', async () => {
    using net = make()
    await applyCriterion(net, criteria.magnitude().density(0.4))
    using samples = randn([3, 4, 6, 6])
    using before = net.forward(samples)
    await roundWeights(net)
    await net.export(box('int8.onnx'))
    const { initializer, node } = readModel(box('int8.onnx')).graph!
    const said = initializer.map(({ name, dims, dataType }) => `${name} ${dims.join('x')} ${dataType}`)
    expect(said).to.include.members([
      'conv.weight_quantized 6x2x3x3 3',
      'conv.weight_scale 6 1',
      'up.weight_quantized 6x4x2x2 3',
      'up.weight_scale 4 1',
      'fc.weight_quantized 5x1152 3',
      'fc.bias 5 1',
    ])
    expect(node.filter(({ opType }) => opType === 'DequantizeLinear').length).to.equal(3)
    await expectSameOutputs(box('int8.onnx'), net, samples)
    using after = net.forward(samples)
    const [was, is] = [before, after].map((each) => each.flatten().toArray() as number[])
    const largest = Math.max(...was!.map(Math.abs))
    for (const [i, value] of is!.entries()) expect(Math.abs(value - was![i]!)).to.be.below(1e-2 * largest)
  })

  itRuns(
    'are bytes in an ONNX model where they share values, too, and the same floats when it runs',
    async () => {
      using net = make()
      await applyCriterion(net, criteria.magnitude().density(0.4))
      await shareAll(net, 7)
      await net.export(box('shared.onnx'))
      const { initializer, node } = readModel(box('shared.onnx')).graph!
      const said = initializer.map(({ name, dims, dataType }) => `${name} ${dims.join('x')} ${dataType}`)
      expect(said).to.include.members([
        'conv.weight_index 6x2x3x3 2',
        'conv.weight_values 8 1',
        'fc.weight_index 5x1152 2',
      ])
      expect(node.filter(({ opType }) => opType === 'Gather').length).to.equal(3)
      using samples = randn([3, 4, 6, 6])
      await expectSameOutputs(box('shared.onnx'), net, samples)
      using other = make()
      await shareAll(other, 300)
      await other.export(box('many.onnx'))
      const names = readModel(box('many.onnx')).graph!.initializer.map(({ name }) => name)
      expect(names).to.include('fc.weight').and.not.include('fc.weight_index')
    },
  )

  it('are floats in an ONNX model where they would take more as bytes', async () => {
    using net = network([1], { fc: linear(1, 3) })
    await roundWeights(net)
    await net.export(box('floats.onnx'))
    const names = readModel(box('floats.onnx')).graph!.initializer.map(({ name }) => name)
    expect(names).to.deep.equal(['fc.weight', 'fc.bias'])
  })
})
