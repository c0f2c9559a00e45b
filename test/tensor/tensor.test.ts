import { inspect } from 'node:util'

import { expect } from 'chai'

import { setEagerThreads } from '../../lib/binding/threads.js'
import { cuda } from '../../lib/tensor/cuda.js'
import { synchronize } from '../../lib/tensor/device.js'
import { arange, rand, randint, zeros } from '../../lib/tensor/factories.js'
import { tensor } from '../../lib/tensor/from.js'
import * as functional from '../../lib/tensor/functional.js'
import { getRngState, manualSeed, setRngState } from '../../lib/tensor/random.js'
import { scope } from '../../lib/tensor/scope.js'
import { device } from '../support/device.js'
import { refusal } from '../support/refusal.js'

describe('a tensor', () => {
  it('says what it is', () => {
    using made = zeros([2, 3], { dtype: 'int16', device })
    const { shape, dtype, ndim, numel, requiresGrad, disposed } = made
    expect({ shape, dtype, ndim, numel, requiresGrad, disposed }).to.deep.equal({
      shape: [2, 3],
      dtype: 'int16',
      ndim: 2,
      numel: 6,
      requiresGrad: false,
      disposed: false,
    })
    expect(made.device.startsWith(device)).to.equal(true)
  })

  it('gives its one element as a number, and refuses when there are several', () => {
    scope(() => {
      expect(tensor([[2.5]], { device }).item()).to.equal(2.5)
      expect(tensor(true, { device }).item()).to.equal(1)
      expect(tensor([-7n], { device }).item()).to.equal(-7)
      expect(tensor(0.1, { dtype: 'float64', device }).item()).to.equal(0.1)
      expect(tensor(Number.NaN, { device }).item()).to.be.NaN
      expect(refusal(() => zeros([2], { device }).item()).code).to.equal('ERR_SHAPE')
      expect(refusal(() => zeros([0], { device }).item()).code).to.equal('ERR_SHAPE')
    })
  })

  it('refuses to round an int64 that no number holds', () => {
    scope(() => {
      const exact = tensor([2n ** 53n - 1n], { device })
      expect([exact.item(), exact.toArray()]).to.deep.equal([2 ** 53 - 1, [2 ** 53 - 1]])
      for (const value of [2n ** 53n, -(2n ** 53n) - 1n, 2n ** 62n + 1n]) {
        const large = tensor([value], { device })
        for (const read of [() => large.item(), () => large.toArray()]) {
          expect(refusal(read).message).to.include('data()')
        }
      }
    })
  })

  it('goes to another dtype by name or by method, with its gradient', () => {
    scope(() => {
      const made = tensor([1.5, 0], { device, requiresGrad: true })
      expect(made.to('float64').dtype).to.equal('float64')
      expect(made.to({ dtype: 'int64', device }).toArray()).to.deep.equal([1, 0])
      const methods = ['double', 'float', 'half', 'bfloat16', 'long', 'int', 'bool', 'cpu'] as const
      const dtypes = methods.map((method) => made[method]().dtype)
      expect(dtypes).to.deep.equal([
        'float64',
        'float32',
        'float16',
        'bfloat16',
        'int64',
        'int32',
        'bool',
        'float32',
      ])
      made.double().mul(3).sum().backward()
      expect(made.grad?.toArray()).to.deep.equal([3, 3])
    })
  })

  it('refuses a device or dtype that is not there', () => {
    using made = zeros([1], { device })
    expect(refusal(() => made.to('gpu' as never)).code).to.equal('ERR_ARGUMENT')
    expect(refusal(() => made.cuda(cuda.deviceCount())).code).to.equal('ERR_DEVICE')
    expect(refusal(() => zeros([1], { dtype: 'float' as never })).code).to.be.oneOf([
      'ERR_DTYPE',
      'ERR_ARGUMENT',
    ])
    expect(refusal(() => synchronize('cuda:99')).code).to.equal('ERR_DEVICE')
    expect(refusal(() => setEagerThreads(0)).code).to.equal('ERR_ARGUMENT')
    expect(cuda.isAvailable()).to.equal(cuda.deviceCount() > 0)
    synchronize(device)
  })

  describe('prints', () => {
    const marked = device === 'cpu' ? '' : `, device=${device === 'cuda' ? 'cuda:0' : device}`
    const cases: [string, () => unknown, string][] = [
      ['a scalar', () => tensor(3, { device }), `tensor(3.${marked})`],
      ['whole numbers', () => tensor([1, -2], { device }), `tensor([ 1., -2.]${marked})`],
      ['fractions', () => tensor([0.5, -12.25], { device }), `tensor([  0.5000, -12.2500]${marked})`],
      ['far magnitudes', () => tensor([1e-9, 1], { device }), `tensor([1.0000e-9, 1.0000e+0]${marked})`],
      ['what is no number', () => tensor([Number.NaN, -1 / 0], { device }), `tensor([ nan, -inf]${marked})`],
      [
        'another dtype',
        () => tensor([true, false], { device }),
        `tensor([ true, false], dtype=bool${marked})`,
      ],
      ['an empty one', () => zeros([0, 3], { device }), `tensor([], shape=[0, 3]${marked})`],
      [
        'a matrix',
        () => tensor([[1n, 20n], [3n, 4n]], { device }), // biome-ignore format: a matrix
        `tensor([[ 1, 20],\n        [ 3,  4]], dtype=int64${marked})`,
      ],
      [
        'the ends of a long one',
        () => arange(1000, { device, requiresGrad: true }),
        `tensor([  0.,   1.,   2., ..., 997., 998., 999.], shape=[1000]${marked}, requiresGrad=true)`,
      ],
    ]
    for (const [what, make, expected] of cases) {
      it(what, () => scope(() => expect(inspect(make())).to.equal(expected)))
    }
  })
})

describe('random numbers', () => {
  it('come again after the same seed', () => {
    scope(() => {
      const draw = () => {
        manualSeed(7)
        return [rand([3], { device }), randint(0, 1000, [3], { device })].map((each) => each.toArray())
      }
      expect(draw()).to.deep.equal(draw())
    })
  })

  it('of the CPU are those of PyTorch', () => {
    scope(() => {
      manualSeed(0)
      const drawn = rand([3]).toArray() as number[]
      expect(drawn.map((each) => each.toFixed(4))).to.deep.equal(['0.4963', '0.7682', '0.0885'])
    })
  })

  it('go on from a saved state', () => {
    scope(() => {
      const state = getRngState()
      const first = rand([4])
      setRngState(state)
      expect(rand([4]).equal(first)).to.equal(true)
      expect(refusal(() => setRngState(zeros([3], { dtype: 'uint8' }))).message).to.not.match(/\p{Cc}/u)
      expect(refusal(() => manualSeed(1.5)).code).to.equal('ERR_ARGUMENT')
    })
  })
})

describe('functional', () => {
  it('reduces losses as told', () => {
    scope(() => {
      const input = tensor([1, 3], { device })
      const target = zeros([2], { device })
      const { mseLoss, l1Loss, binaryCrossEntropyWithLogits } = functional
      expect(mseLoss(input, target, { reduction: 'none' }).toArray()).to.deep.equal([1, 9])
      expect(mseLoss(input, target, { reduction: 'sum' }).item()).to.equal(10)
      expect(l1Loss(input, target).item()).to.equal(2)
      const weight = zeros([2], { device })
      expect(binaryCrossEntropyWithLogits(input, target, { weight }).item()).to.equal(0)
    })
  })

  it('takes classes of images as well as of rows', () => {
    scope(() => {
      const scores = zeros([2, 4, 3, 3], { device })
      const target = zeros([2, 3, 3], { dtype: 'int64', device })
      const expected = Math.log(4)
      expect(functional.crossEntropy(scores, target).item()).to.be.closeTo(expected, 1e-5)
      expect(functional.nllLoss(scores.logSoftmax(1), target).item()).to.be.closeTo(expected, 1e-5)
      const rows = zeros([2, 4], { device })
      expect(
        functional.crossEntropy(rows, tensor([-1n, 2n], { device }), { ignoreIndex: -1 }).item(),
      ).to.be.closeTo(expected, 1e-5)
    })
  })

  it('drops out while training alone, and keeps the mean', () => {
    scope(() => {
      const input = tensor(new Float32Array(1000).fill(1), { device })
      expect(functional.dropout(input, { p: 0.5, training: false }).equal(input)).to.equal(true)
      const dropped = functional.dropout(input, { p: 0.5 })
      const kept = dropped.ne(0).sum().item()
      expect(kept).to.be.within(400, 600)
      expect(dropped.sum().item()).to.equal(2 * kept)
      expect(refusal(() => functional.dropout(input, { p: 2 })).message).to.equal(
        'dropout: p must be in 0..1, got 2',
      )
    })
  })

  it('keeps running statistics in batch normalization', () => {
    scope(() => {
      const input = tensor([[1], [3]], { device }) // biome-ignore format: a matrix
      const runningMean = zeros([1], { device })
      const runningVar = zeros([1], { device })
      functional.batchNorm(input, { runningMean, runningVar, training: true, momentum: 0.5 })
      expect([runningMean.item(), runningVar.item()]).to.deep.equal([1, 1])
    })
  })

  it("pads a convolution to the 'same' size", () => {
    scope(() => {
      const input = zeros([1, 1, 5, 5], { device })
      const weight = zeros([2, 1, 3, 3], { device })
      expect(functional.conv2d(input, weight, undefined, { padding: 'same' }).shape).to.deep.equal([
        1, 2, 5, 5,
      ])
      expect(functional.conv2d(input, weight, undefined, { stride: 2 }).shape).to.deep.equal([1, 2, 2, 2])
    })
  })
})
