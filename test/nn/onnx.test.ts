import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { lenet5, lenet300100, mobilenetV2, resnet18 } from '../../lib/models/index.js'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import type { Layers } from '../../lib/nn/graph.js'
import { kinds } from '../../lib/nn/layers/all.js'
import {
  adaptiveAvgPool2d,
  add,
  avgPool2d,
  conv2d,
  dropout,
  flatten,
  gelu,
  groupNorm,
  layerNorm,
  linear,
  localResponseNorm,
  maxPool2d,
  mul,
  relu,
  sigmoid,
  silu,
  upsample,
} from '../../lib/nn/layers/index.js'
import { Network, network } from '../../lib/nn/network.js'
import { applyCriterion } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import { removeDeadNeurons } from '../../lib/prune/surgery/shrink.js'
import { toBytes } from '../../lib/tensor/bytes.js'
import { randn } from '../../lib/tensor/factories.js'
import { manualSeed } from '../../lib/tensor/random.js'
import { device } from '../support/device.js'
import { readGolden } from '../support/golden.js'
import { expectSameOutputs, itRuns, readModel } from '../support/onnx.js'
import { refusedWith } from '../support/refusal.js'
import { type GoldenLayer, layersFrom } from './from_golden.js'

const golden = readGolden<{
  networks: Record<string, { inputShape: number[]; layers: GoldenLayer[] }>
}>('networks', 'cpu')

/** Forms of layers that the golden networks lack, each on an input of such a shape. */
const FORMS: Record<string, [shape: number[], layers: Layers]> = {
  'a mean over windows with padding': [
    [3, 9, 11],
    { a: avgPool2d([2, 3], { stride: [1, 3], padding: [1, 0] }) },
  ],
  'a mean over windows': [[3, 7, 9], { a: avgPool2d([2, 3]) }],
  'means over windows of one size': [[3, 12, 8], { a: adaptiveAvgPool2d([4, 2]) }],
  'means over windows of several sizes': [[3, 7, 10], { a: adaptiveAvgPool2d([5, 3]) }],
  'means over fewer pixels than windows': [[2, 2, 3], { a: adaptiveAvgPool2d([4, 3]) }],
  'a maximum with its size rounded up': [[2, 8, 7], { a: maxPool2d(3, { stride: 2, ceilMode: true }) }],
  'a maximum that no window may begin in the padding of': [
    [2, 5, 6],
    { a: maxPool2d(2, { stride: 2, padding: 1, ceilMode: true }) },
  ],
  'a convolution in groups, dilated, strided and padded': [
    [4, 9, 12],
    {
      a: conv2d(4, 6, [3, 2], { stride: [2, 1], padding: [2, 1], dilation: [2, 3], groups: 2, bias: false }),
    },
  ],
  'a response norm over an even number of channels': [
    [5, 3, 4],
    { a: localResponseNorm(4, { alpha: 0.5, beta: 0.6, k: 2 }) },
  ],
  'a response norm over an odd number of channels': [
    [5, 3, 4],
    { a: localResponseNorm(3, { alpha: 0.5, beta: 0.6, k: 2 }) },
  ],
  'a group norm of features, without weights': [[12], { a: groupNorm(3, 12, { affine: false, eps: 0.01 }) }],
  'a layer norm over an image, without weights': [
    [3, 4, 5],
    { a: layerNorm([4, 5], { elementwiseAffine: false }) },
  ],
  'a gelu by tangents': [[20], { a: gelu({ approximate: 'tanh' }) }],
  'sums and products of several layers, and gates': [
    [4, 5, 5],
    {
      a: conv2d(4, 4, 1),
      b: silu(),
      pool: adaptiveAvgPool2d(1),
      gate: sigmoid(),
      sum: add('input', 'a', 'b'),
      product: mul('gate', 'sum', 'a'),
    },
  ],
  'nothing but dropout': [[5], { a: dropout(0.5) }],
  'a layer whose output is not used': [[6], { a: linear(6, 3), b: linear(6, 2, { from: 'input' }) }],
  'pixels of their nearest, to a size': [[2, 5, 7], { a: upsample({ size: [9, 12] }) }],
  'pixels of their nearest, by a broken factor': [[2, 5, 7], { a: upsample({ scaleFactor: [1.3, 2.6] }) }],
  'pixels of their nearest, by a factor whose size is rounded to a whole one': [
    [2, 2, 3],
    { a: upsample({ scaleFactor: [2.4, 3] }) },
  ],
  'fewer pixels': [[2, 10, 14], { a: upsample({ scaleFactor: 0.7 }) }],
  'pixels between, by a broken factor': [
    [2, 5, 7],
    { a: upsample({ scaleFactor: [1.3, 2.6], mode: 'bilinear' }) },
  ],
  'pixels between, by a factor whose size would be smaller in float32': [
    [1, 10, 4],
    { a: upsample({ scaleFactor: [1.8, 2.6], mode: 'bilinear' }) },
  ],
  'pixels between, down to one': [[2, 5, 7], { a: upsample({ size: [1, 3], mode: 'bilinear' }) }],
  'pixels between corners, down to one': [
    [2, 5, 7],
    { a: upsample({ size: [1, 3], mode: 'bilinear', alignCorners: true }) },
  ],
  'pixels between corners, by a broken factor': [
    [2, 5, 7],
    { a: upsample({ scaleFactor: [1.3, 2.6], mode: 'bilinear', alignCorners: true }) },
  ],
}

describe('a network as an ONNX model', () => {
  let folder: string
  let file: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'torch-prune-onnx-'))
    file = join(folder, 'network.onnx')
  })
  after(() => rmSync(folder, { recursive: true }))

  const expectSame = async (net: AnyNetwork, batch = 3) => {
    await net.export(file)
    manualSeed(1)
    using samples = randn([batch, ...net.inputShape])
    await expectSameOutputs(file, net, samples)
  }

  it('is tried with every kind of layer', () => {
    const described = [
      ...Object.values(golden.fixture.networks),
      ...Object.values(FORMS).map(([, layers]) => ({ layers: Object.values(layers) })),
    ]
    const tried = described.flatMap(({ layers }) => layers.map(({ kind }) => kind))
    expect([...new Set(tried)]).to.have.members(Object.keys(kinds))
  })

  for (const [title, { inputShape, layers }] of Object.entries(golden.fixture.networks)) {
    itRuns(`computes what it does: the ${title} network of the golden ones`, async () => {
      using net = new Network(inputShape, layersFrom(layers))
      for (const name of net.tensorNames()) {
        using values = golden.tensor(`${title}.initial.${name}`)
        await net.put([[name, values]])
      }
      await expectSame(net)
    })
  }

  for (const [title, [inputShape, layers]] of Object.entries(FORMS)) {
    itRuns(`computes what it does: ${title}`, async () => {
      using net = new Network(inputShape, layers)
      await expectSame(net)
    })
  }

  for (const make of [lenet300100, lenet5, resnet18, mobilenetV2]) {
    itRuns(`computes what it does: ${make.name}, for any number of samples`, async function () {
      this.timeout(120_000)
      using net = make({ seed: 1 })
      await expectSame(net, 1)
      await expectSame(net, 2)
    })
  }

  itRuns('computes what it does with dead neurons removed', async () => {
    using net = lenet300100({ seed: 2 })
    await applyCriterion(net, criteria.magnitude().density({ fc1: 0.004, fc2: 0.05 }))
    const { parametersAfter } = await removeDeadNeurons(net)
    await expectSame(net)
    const held = readModel(file).graph!.initializer.reduce((sum, { rawData }) => sum + rawData.length / 4, 0)
    expect(held).to.equal(parametersAfter).and.be.below(266_610)
  })

  it('holds each weight as it is, and zeros where it is pruned', async () => {
    using net = lenet5({ seed: 3, device })
    await applyCriterion(net, criteria.magnitude().density(0.1))
    await net.export(file)
    const { initializer } = readModel(file).graph!
    expect(initializer.map(({ name }) => name)).to.have.members(net.tensorNames())
    for (const { name, dims, rawData } of initializer) {
      using own = net.tensor(name as 'fc1.weight')
      const { shape, data } = toBytes(own)
      expect(dims.map(Number), name).to.deep.equal(shape)
      expect(Buffer.compare(rawData, data), name).to.equal(0)
    }
  })

  it('has one input and one output, of any number of samples, and names layers and operators by the layers', async () => {
    using net = network([3, 4, 4], { conv: conv2d(3, 2, 3), act: silu(), flat: flatten(), fc: linear(8, 5) })
    await net.export(file)
    const { graph, opsetImport } = readModel(file)
    const { node, input, output, initializer } = graph!
    expect(opsetImport.map(({ domain, version }) => [domain, version])).to.deep.equal([['', 21n]])
    const ports = [...input, ...output].map(({ name, type }) => {
      const { value } = type!.value
      return [name, ...value!.shape!.dim.map(({ value }) => value.value)]
    })
    expect(ports).to.deep.equal([
      ['input', 'batch', 3n, 4n, 4n],
      ['output', 'batch', 5n],
    ])
    expect(
      node.map(({ name, opType, input, output }) => [name, opType, ...input, '->', ...output]),
    ).to.deep.equal([
      ['conv', 'Conv', 'input', 'conv.weight', 'conv.bias', '->', 'conv'],
      ['act/Sigmoid', 'Sigmoid', 'conv', '->', 'act/Sigmoid'],
      ['act', 'Mul', 'conv', 'act/Sigmoid', '->', 'act'],
      ['flat', 'Flatten', 'act', '->', 'flat'],
      ['fc', 'Gemm', 'flat', 'fc.weight', 'fc.bias', '->', 'output'],
    ])
    expect(initializer.map(({ name }) => name)).to.deep.equal([
      'conv.weight',
      'conv.bias',
      'fc.weight',
      'fc.bias',
    ])
  })

  const refusals: [what: string, layers: Layers, says: RegExp][] = [
    [
      'a layer before the last is called output',
      { output: linear(8, 8), fc: linear(8, 2) },
      /network\.onnx: in ONNX, layer "fc" and layer "output" would both need the name "output"; rename the layer$/,
    ],
    [
      'a layer is called as a weight',
      { fc: linear(8, 8), 'fc.weight': relu() },
      /layer "fc\.weight" and layer "fc" would both need the name "fc\.weight"/,
    ],
    [
      'a layer is called as an operator in another',
      { a: silu(), 'a/Sigmoid': relu(), fc: linear(8, 2) },
      /layer "a\/Sigmoid" and layer "a" would both need the name "a\/Sigmoid"/,
    ],
  ]
  for (const [what, layers, says] of refusals) {
    it(`is refused in one line where ${what}`, async () => {
      using net = new Network([8], layers)
      expect(await refusedWith(net.export(file), 'ERR_ARGUMENT')).to.match(says)
    })
  }

  it('is refused, by the name and the kind of the layer, where ONNX would make other sizes', async () => {
    using net = network([1, 3, 3], { up: upsample({ scaleFactor: 3.6666666666663335, mode: 'bilinear' }) })
    expect(await refusedWith(net.export(file), 'ERR_ARGUMENT')).to.match(
      /network\.onnx: layer "up" \(upsample\) cannot be written as ONNX: in float32, its scaleFactor gives other sizes than \[10,10\]; say the size instead$/,
    )
  })

  it('is refused with spliced layers, and under a name that says no format', async () => {
    using net = lenet300100({ device })
    expect(await refusedWith(net.export(join(folder, 'network')), 'ERR_ARGUMENT')).to.match(/\.onnx/)
    await net.splice('fc1')
    expect(await refusedWith(net.export(file), 'ERR_SEAL')).to.match(/fc1/)
  })
})
