import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import {
  alexnet,
  createModel,
  lenet5,
  lenet5Dropout,
  lenet300100,
  lenet300100Dropout,
  modelNames,
  resnet18ImageNet,
  vgg16,
  vgg16bn,
  wrn16x2,
} from '../../lib/models/index.js'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { noGrad } from '../../lib/tensor/autograd.js'
import { scope } from '../../lib/tensor/scope.js'
import { device } from '../support/device.js'
import { refusal } from '../support/refusal.js'
import { tolerance } from '../support/tolerance.js'
import { noisySample, noisyWeight } from './noise.js'

/** What scripts/reference/golden_models.py says of a model. */
interface Described {
  readonly input: readonly number[]
  readonly tensors: readonly string[]
  readonly layers: readonly string[]
  readonly logits: readonly number[]
  readonly largest: number
  readonly checksum: number
}

const golden: Record<string, Described> = JSON.parse(
  readFileSync(new URL('../golden/models.json', import.meta.url), 'utf8'),
)
const TOLERANCE = tolerance('model').rtol

describe('models', () => {
  it('are all held against PyTorch', () => {
    // Dropout has no weights, and evaluation does without it.
    const dropout = ['lenet-300-100-dropout', 'lenet-5-dropout']
    expect([...Object.keys(golden), ...dropout]).to.have.members(modelNames)
  })

  for (const name of Object.keys(golden)) {
    it(`${name} has PyTorch's names, shapes, FLOP and outputs`, async function () {
      this.timeout(300_000)
      const { input, tensors, layers, logits, largest, checksum } = golden[name]!
      using net = createModel(name, { device })
      expect(net.inputShape).to.deep.equal(input)
      const shapes = net.tensorNames().map((tensorName) => {
        using own = net.tensor(tensorName)
        return { name: tensorName, shape: own.shape }
      })
      expect(shapes.map(({ name, shape }) => `${name} ${shape.join('x')}`.trim())).to.deep.equal(tensors)
      const ours = net.costs.map(({ name, flop }) => {
        const { shape } = net.nodes.find((node) => node.name === name)!
        return `${name} ${shape.join('x')} ${flop}`
      })
      expect(ours).to.have.members(layers)

      for (const { name, shape } of shapes) {
        if (name.endsWith('.num_batches_tracked')) continue
        using values = noisyWeight(name, shape)
        await net.put([[name, values]])
      }
      using sample = noisySample(input)
      using output = noGrad(() => net.forward(sample))
      const values = output.toArray() as number[][]
      const row = values[0]!
      const off = Math.max(...logits.map((logit, i) => Math.abs(logit - row[i]!)))
      expect(off / largest, 'logits').to.be.below(TOLERANCE)
      expect(Math.max(...row.map(Math.abs)) / largest).to.be.closeTo(1, TOLERANCE)
      const sum = row.reduce((total, value, i) => total + (value * (i + 1)) / row.length, 0)
      expect(Math.abs(sum - checksum) / (largest * row.length), 'checksum').to.be.below(TOLERANCE)
    })
  }

  it("have the layers of the paper's tables", () => {
    using dense = lenet300100()
    using convolutional = lenet5()
    expect(dense.prunable).to.deep.equal(['fc1', 'fc2', 'fc3'])
    expect(convolutional.prunable).to.deep.equal(['conv1', 'conv2', 'fc1', 'fc2'])
    const kinds = convolutional.nodes.map(({ layer }) => layer.kind)
    expect(kinds, 'no ReLU behind the convolutions').to.deep.equal([
      'conv2d',
      'maxPool2d',
      'conv2d',
      'maxPool2d',
      'flatten',
      'linear',
      'relu',
      'linear',
    ])
  })

  it('with dropout are the same networks but while they train', () => {
    const pairs = [
      [lenet300100({ seed: 3, device }), lenet300100Dropout({ seed: 3, device })],
      [lenet5({ seed: 3, device }), lenet5Dropout({ seed: 3, device })],
    ] as const
    for (const [plain, dropping] of pairs) {
      using sample = noisySample([1, 28, 28])
      const logits = (net: AnyNetwork, training: boolean) =>
        noGrad(() => scope(() => net.forward(sample, { training }).toArray()))
      expect(dropping.tensorNames()).to.deep.equal(plain.tensorNames())
      expect(logits(dropping, false)).to.deep.equal(logits(plain, false))
      expect(logits(dropping, true)).not.to.deep.equal(logits(plain, true))
      plain.dispose()
      dropping.dispose()
    }
  })

  // Tables 4 and 5 as they are printed, so each count is right to its last digit.
  const tables: [name: string, weights: string, flop: string][] = [
    ['alexnet-caffe', '35K 307K 885K 663K 442K 38M 17M 4M 61M', '211M 448M 299M 224M 150M 75M 34M 8M 1.5B'],
    [
      'vgg-16',
      '2K 37K 74K 148K 295K 590K 590K 1M 2M 2M 2M 2M 2M 103M 17M 4M 138M',
      '0.2B 3.7B 1.8B 3.7B 1.8B 3.7B 3.7B 1.8B 3.7B 3.7B 925M 925M 925M 206M 34M 8M 30.9B',
    ],
  ]
  for (const [name, ...printed] of tables) {
    it(`${name} has the counts of the paper's table`, function () {
      this.timeout(300_000)
      using net = createModel(name, { device })
      for (const [i, what] of (['weights', 'flop'] as const).entries()) {
        const counts = net.costs.map((cost) => cost[what])
        counts.push(counts.reduce((sum, count) => sum + count, 0))
        const expected = printed[i]!.split(' ').map(asPrinted)
        expect(counts).to.have.lengthOf(expected.length)
        for (const [j, { value, digit }] of expected.entries()) {
          expect(Math.abs(counts[j]! - value), `${what} ${j}: ${counts[j]}`).to.be.below(digit)
        }
      }
    })
  }

  it('take smaller samples, and fewer hidden neurons', () => {
    const make = [alexnet, vgg16, vgg16bn]
    for (const model of make) {
      using network = model({ size: 64, hidden: 8, classes: 10, device })
      using images = noisySample([3, 64, 64])
      using logits = network.forward(images)
      expect(logits.shape).to.deep.equal([1, 10])
    }
    using residual = resnet18ImageNet({ size: 64, classes: 10 })
    expect(residual.inputShape).to.deep.equal([3, 64, 64])
    using sized = createModel('alexnet', { size: 64, hidden: 8 })
    expect(sized.costs.at(-1)!.weights).to.equal(8000)
  })

  it('take a number of classes and a dropout rate', () => {
    using small = createModel('resnet-9', { classes: 3 })
    expect(small.nodes.at(-1)!.shape).to.deep.equal([3])
    using wide = wrn16x2({ dropout: 0.3 })
    expect(wide.dropout('block2.layer.1.dropout')).to.equal(0.3)
    using image = alexnet({ classes: 7, dropout: 0 })
    expect(image.dropout('classifier.3')).to.equal(0)
    expect(image.nodes.at(-1)!.shape).to.deep.equal([7])
    expect(refusal(() => lenet300100({ numClasses: 5 } as object)).message).to.equal(
      "lenet-300-100: unknown option 'numClasses': did you mean classes?",
    )
    expect(refusal(() => createModel('vgg-16', { classes: 0 })).code).to.equal('ERR_ARGUMENT')
  })

  it('of other names are refused, with the names that there are', () => {
    for (const name of ['lenet', 'constructor', '']) {
      const error = refusal(() => createModel(name))
      expect(error.code).to.equal('ERR_ARGUMENT')
      expect(error.message).to.match(
        new RegExp(`^there is no model '${name}'( \\(did you mean .*\\?\\))?: use one of `),
      )
    }
  })
})

/** `'3.7B'`: the number, and what its last digit is worth. */
function asPrinted(text: string): { value: number; digit: number } {
  const unit = { K: 1e3, M: 1e6, B: 1e9 }[text.at(-1) as 'K' | 'M' | 'B']
  return { value: Number(text.slice(0, -1)) * unit, digit: text.includes('.') ? unit / 10 : unit }
}
