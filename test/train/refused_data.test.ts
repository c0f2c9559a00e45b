import { expect } from 'chai'
import { Dataset } from '../../lib/data/dataset.js'
import { batchNorm2d, conv2d, flatten } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { swa } from '../../lib/optim/averaging.js'
import { randn, zeros } from '../../lib/tensor/factories.js'
import { tensor } from '../../lib/tensor/from.js'
import { evaluate } from '../../lib/train/evaluate.js'
import type { TrainProgress } from '../../lib/train/progress.js'
import { train } from '../../lib/train/train.js'
import { snapshot } from '../nn/bits.js'
import { device } from '../support/device.js'
import { laterRefusal, refusal } from '../support/refusal.js'
import { toyData, toyNetwork } from './toy.js'
import { options } from './toy_training.js'

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
    expect((await laterRefusal(evaluate(net, data))).message).to.equal(says('the dataset'))
    expect(snapshot(net)).to.deep.equal(before)
  })

  it('samples of another shape', async () => {
    using net = toyNetwork()
    const data = Dataset.from(zeros([4, 5]), labels([0, 1, 2, 0]))
    const says = (name: string) => `the network takes samples of shape [6], ${name} holds [5]`
    expect(refusal(() => train(net, data, options)).message).to.equal(says('the training set'))
    expect((await laterRefusal(evaluate(net, data))).message).to.equal(says('the dataset'))
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
