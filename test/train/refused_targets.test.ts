import { expect } from 'chai'
import { Dataset } from '../../lib/data/dataset.js'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { prune } from '../../lib/prune/prune.js'
import { criteria } from '../../lib/prune/score/index.js'
import { tensor } from '../../lib/tensor/from.js'
import type { Tensor } from '../../lib/tensor/tensor.js'
import { evaluate } from '../../lib/train/evaluate.js'
import { type Loss, losses } from '../../lib/train/losses.js'
import { train } from '../../lib/train/train.js'
import { laterRefusal, refusal } from '../support/refusal.js'
import { loss, plan, regression, sums } from './regression_toy.js'
import { numbers, toyData, toyNetwork } from './toy.js'

describe('targets that do not fit', () => {
  const six = (labels: Tensor) => Dataset.from(tensor(numbers(18), { shape: [3, 6] }), labels)
  const classes = (...labels: number[]) => six(tensor(labels, { dtype: 'int64' }))
  const cases: [RegExp, () => AnyNetwork, Dataset, Loss][] = [
    [
      /^losses\.mse\(\) takes float targets, the training set holds whole numbers: convert them/,
      regression,
      classes(0, 1, 2),
      loss,
    ],
    [
      /^cross-entropy takes classes as labels, the training set holds float targets: choose/,
      toyNetwork,
      sums(3),
      losses.crossEntropy(),
    ],
    [
      /^the network's output is \[3\] for each sample, the targets of the training set are \[1\]: they must have one shape$/,
      toyNetwork,
      sums(3),
      loss,
    ],
    [
      /the targets of the training set are \[\]: they must have one shape, so reshape the targets$/,
      regression,
      six(tensor([0, 1, 2], { dtype: 'float32' })),
      loss,
    ],
    [
      /^the training set has a label -1: labels are 0 or more; losses\.crossEntropy\(\{ ignoreIndex \}\)/,
      toyNetwork,
      classes(0, -1, 2),
      losses.crossEntropy(),
    ],
    [
      /^the training set has a label -1/,
      toyNetwork,
      classes(0, -1, -100),
      losses.crossEntropy({ ignoreIndex: -100 }),
    ],
    [
      /^the training set has a label 3, the network has outputs for 3 classes/,
      toyNetwork,
      classes(0, 1, 3),
      losses.crossEntropy({ ignoreIndex: -100 }),
    ],
    [
      /^every label of the training set is ignored/,
      toyNetwork,
      classes(1, 1, 1),
      losses.crossEntropy({ ignoreIndex: 1 }),
    ],
    [
      /weight must hold a number for each of the network's 3 classes, got 2$/,
      toyNetwork,
      classes(0, 1, 2),
      losses.crossEntropy({ weight: [1, 2] }),
    ],
    [
      /^binary cross-entropy takes targets in 0\.\.1, the training set holds 2$/,
      toyNetwork,
      six(
        tensor([
          [0, 1, 0],
          [2, 0, 0],
          [1, 1, 1],
        ]),
      ),
      losses.binaryCrossEntropyWithLogits(),
    ],
    [
      /posWeight must hold a number for each of the 3 labels, got 2$/,
      toyNetwork,
      six(
        tensor([
          [0, 1, 0],
          [0, 0, 0],
          [1, 1, 1],
        ]),
      ),
      losses.binaryCrossEntropyWithLogits({ posWeight: [1, 2] }),
    ],
  ]
  for (const [says, make, set, wanted] of cases) {
    it(`are refused at once: ${says.source}`, () => {
      using net = make()
      const error = refusal(() => train(net, set, { ...plan, loss: wanted }))
      expect(error.message).to.match(says)
      const retrain = { ...plan, loss: wanted }
      const criterion = criteria.magnitude().density(0.5)
      expect(
        refusal(() => prune(net, { train: set, validation: set }, { criterion, retrain })).message,
      ).to.match(says)
    })
  }

  it('are refused by evaluate in the same words', async () => {
    using net = regression()
    const error = await laterRefusal(evaluate(net, classes(0, 1, 2), { loss }))
    expect(error.message).to.match(/^losses\.mse\(\) takes float targets, the dataset holds whole numbers/)
  })

  it('are refused before the first step where they are NaN', async () => {
    using net = regression()
    const set = six(tensor([[1], [Number.NaN], [2]]))
    const error = await laterRefusal(train(net, set, plan))
    expect(error.message).to.match(
      /^the targets of the training set hold 1 NaN, the first in sample 1: replace them/,
    )
  })

  it('are losses that nobody made', () => {
    using net = toyNetwork()
    const wrong = 'mse' as unknown as Loss
    expect(refusal(() => train(net, toyData(), { ...plan, loss: wrong })).message).to.match(
      /^train: loss must be what losses\.crossEntropy\(\), .* or losses\.huber\(\) returns, got 'mse'$/,
    )
    const uncalled = losses.mse as unknown as Loss
    expect(refusal(() => train(net, toyData(), { ...plan, loss: uncalled })).message).to.match(/: call it$/)
    expect(refusal(() => losses.huber({ delta: 0 })).message).to.equal(
      'losses.huber: delta must be over 0, got 0',
    )
  })
})
