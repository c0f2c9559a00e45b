import { warnOnce } from '../base/warning.js'
import type { TensorHandle } from '../binding/native.js'
import { TorchPruneError } from '../errors.js'
import type { DType } from './dtype.js'
import { invoke, invokeTensor } from './invoke.js'
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
  return Tensor.wrap(
    invokeTensor('nll_loss_nd', logProbabilities, target, weight, REDUCTION[reduction], ignoreIndex),
  )
}

/** The squared difference. Shapes broadcast, with a warning: that is seldom meant. */
export function mseLoss<D extends DType>(
  input: Tensor<D>,
  target: Tensor<D>,
  { reduction = 'mean' }: LossOptions = {},
): Tensor<D> {
  return ofOneShape('mse_loss', input, target, REDUCTION[reduction])
}

/** The absolute difference. Shapes broadcast, with a warning: that is seldom meant. */
export function l1Loss<D extends DType>(
  input: Tensor<D>,
  target: Tensor<D>,
  { reduction = 'mean' }: LossOptions = {},
): Tensor<D> {
  return ofOneShape('l1_loss', input, target, REDUCTION[reduction])
}

/** Of scores before the sigmoid and targets between 0 and 1, in one shape. */
export function binaryCrossEntropyWithLogits<D extends DType>(
  scores: Tensor<D>,
  target: Tensor<D>,
  { weight, reduction = 'mean' }: LossOptions & { weight?: Tensor<D> | undefined } = {},
): Tensor<D> {
  if (shapeOf(scores) !== shapeOf(target)) {
    const shapes = `the scores are ${shapeOf(scores)}, the target is ${shapeOf(target)}`
    throw new TorchPruneError(
      'ERR_SHAPE',
      `binaryCrossEntropyWithLogits: ${shapes}: give them one shape, with reshape()`,
    )
  }
  return Tensor.wrap(
    invokeTensor('binary_cross_entropy_with_logits', scores, target, weight, undefined, REDUCTION[reduction]),
  )
}

/**
 * A loss of two tensors that broadcast. libtorch's operators take the gradient as if nothing had been repeated,
 * so what is repeated is repeated before them, as Python's functions do.
 */
function ofOneShape<D extends DType>(
  operator: string,
  input: Tensor<D>,
  target: Tensor<D>,
  reduction: number,
): Tensor<D> {
  if (shapeOf(input) === shapeOf(target)) {
    return Tensor.wrap(invokeTensor(operator, input, target, reduction))
  }
  const handles = invoke('broadcast_tensors', [input, target]) as [TensorHandle, TensorHandle]
  using wideInput = Tensor.wrap(handles[0])
  using wideTarget = Tensor.wrap(handles[1])
  const name = operator.replace('_loss', 'Loss')
  warnOnce(
    `${name}: the input is ${shapeOf(input)}, the target is ${shapeOf(target)}: they broadcast to ${shapeOf(wideInput)}, which is seldom meant; give them one shape, with reshape()`,
  )
  return Tensor.wrap(invokeTensor(operator, wideInput, wideTarget, reduction))
}

function shapeOf(tensor: Tensor): string {
  return `[${tensor.shape.join(', ')}]`
}
