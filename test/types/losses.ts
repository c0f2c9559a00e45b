// Compiled by `npm run types`, never run.
import {
  Dataset,
  type Evaluation,
  evaluate,
  type Loss,
  losses,
  models,
  optim,
  prune,
  type Tensor,
  train,
} from '../../lib/index.js'

declare const data: Dataset
declare const images: Tensor
declare const labels: Tensor
declare const any: Loss
const net = models.lenet300100({ seed: 0, device: 'cpu' })
const optimizer = optim.sgd({ lr: 0.1 })

train(net, data, { epochs: 1, optimizer, loss: losses.mse(), accumulate: 4, clipGradients: { norm: 1 } })
train(net, data, { epochs: 1, optimizer, loss: losses.crossEntropy({ ignoreIndex: -100, weight: [1, 2] }) })
train(net, data, { epochs: 1, optimizer, lrScale: { fc1: 0.1, fc3: 2 } })
// @ts-expect-error there is no such layer
train(net, data, { epochs: 1, optimizer, lrScale: { fc4: 0.1 } })
// @ts-expect-error it is an option of the loss
train(net, data, { epochs: 1, optimizer, labelSmoothing: 0.1 })
// @ts-expect-error a loss is what a function of losses returns
train(net, data, { epochs: 1, optimizer, loss: 'mse' })
// @ts-expect-error Huber's
losses.mse({ delta: 1 })
// @ts-expect-error patience has no default
train(net, data, { epochs: 1, optimizer, earlyStopping: {} })
prune.sensitivity(net, data, { loss: losses.l1() })

export async function results(): Promise<void> {
  const classes = await evaluate(net, data)
  const error: number = classes.top1Error
  // @ts-expect-error of a regression
  void classes.mse
  const { mse, r2 } = await evaluate(net, data, { loss: losses.mse() })
  const { f1, exactMatch } = await evaluate(net, data, { loss: losses.binaryCrossEntropyWithLogits() })
  const found: Evaluation = await evaluate(net, data, { loss: any })
  if (found.kind === 'labels') void found.labelError
  // @ts-expect-error which one it is must be asked first
  void found.labelError
  void [error, mse, r2, f1, exactMatch]
}

Dataset.fromBatches(
  async function* ({ seed, signal }) {
    if (!signal.aborted && seed > 0) yield { images, labels }
  },
  { sampleShape: [784], batches: 10 },
)
Dataset.fromBatches([{ images, labels }], { sampleShape: [784] })
// @ts-expect-error what a sample looks like must be said
Dataset.fromBatches([{ images, labels }], {})
// @ts-expect-error a batch has labels
Dataset.fromBatches([{ images }], { sampleShape: [784] })
data.map(({ images: some, labels: theirs, indices }) => ({
  images: some.mul(indices.length),
  labels: theirs,
}))
// @ts-expect-error a batch has labels
data.map(({ images: some }) => ({ images: some }))
