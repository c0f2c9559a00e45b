import type { DType } from './dtype.js'
import { invokeTensor } from './invoke.js'
import { Tensor } from './tensor.js'

export interface LossOptions {
  /** What becomes of the losses of the elements; the mean unless said otherwise. */
  reduction?: 'none' | 'mean' | 'sum' | undefined
}

export interface ClassLossOptions<D extends DType> extends LossOptions {
  /** One factor a class. */
  weight?: Tensor<D> | undefined
  /** A class whose samples do not count. */
  ignoreIndex?: number | undefined
}

// As libtorch numbers them.
const REDUCTION = { none: 0, mean: 1, sum: 2 } as const

/** Of scores `[n, classes, …]` and int64 classes `[n, …]` (or probabilities of the scores' shape). */
export function crossEntropy<D extends DType>(
  scores: Tensor<D>,
  target: Tensor,
  {
    weight,
    ignoreIndex,
    labelSmoothing,
    reduction = 'mean',
  }: ClassLossOptions<D> & { labelSmoothing?: number | undefined } = {},
): Tensor<D> {
  const options = [REDUCTION[reduction], ignoreIndex, labelSmoothing]
  return Tensor.wrap(invokeTensor('cross_entropy_loss', scores, target, weight, ...options))
}

/** Of log-probabilities `[n, classes, …]` and int64 classes `[n, …]`. */
export function nllLoss<D extends DType>(
  logProbabilities: Tensor<D>,
  target: Tensor,
  { weight, ignoreIndex, reduction = 'mean' }: ClassLossOptions<D> = {},
): Tensor<D> {
  const operator = logProbabilities.ndim > 2 ? 'nll_loss_nd' : 'nll_loss'
  return Tensor.wrap(
    invokeTensor(operator, logProbabilities, target, weight, REDUCTION[reduction], ignoreIndex),
  )
}

/** The squared difference. */
export function mseLoss<D extends DType>(
  input: Tensor<D>,
  target: Tensor<D>,
  { reduction = 'mean' }: LossOptions = {},
): Tensor<D> {
  return Tensor.wrap(invokeTensor('mse_loss', input, target, REDUCTION[reduction]))
}

/** The absolute difference. */
export function l1Loss<D extends DType>(
  input: Tensor<D>,
  target: Tensor<D>,
  { reduction = 'mean' }: LossOptions = {},
): Tensor<D> {
  return Tensor.wrap(invokeTensor('l1_loss', input, target, REDUCTION[reduction]))
}

/** Of scores before the sigmoid and targets between 0 and 1. */
export function binaryCrossEntropyWithLogits<D extends DType>(
  scores: Tensor<D>,
  target: Tensor<D>,
  { weight, reduction = 'mean' }: LossOptions & { weight?: Tensor<D> | undefined } = {},
): Tensor<D> {
  return Tensor.wrap(
    invokeTensor('binary_cross_entropy_with_logits', scores, target, weight, undefined, REDUCTION[reduction]),
  )
}
