import type { DType } from '../base/dtype.js'
import { TorchPruneError } from '../base/errors.js'
import { number, whole, words } from '../base/kind.js'
import { type OptionsOf, optional, readOptions } from '../base/option.js'
import { warnOnce } from '../base/warning.js'
import type { TensorHandle } from '../binding/native.js'
import { tensorKind } from './core.js'
import { invoke, invokeTensor } from './invoke.js'
import { Tensor } from './tensor.js'

const lossOptions = {
  /**
   * How to combine the losses of the elements: not at all, or as their mean or sum.
   * @default 'mean'
   */
  reduction: optional(words('none', 'mean', 'sum'), 'mean'),
}
const weightedOptions = {
  ...lossOptions,
  /** A factor per element; its shape broadcasts. */
  weight: optional(tensorKind),
}
const classLossOptions = {
  ...lossOptions,
  /** A factor per class. */
  weight: optional(tensorKind),
  /** A class whose samples are ignored. */
  ignoreIndex: optional(whole()),
}
const crossEntropyOptions = {
  ...classLossOptions,
  /**
   * Moves this share of each target from the correct class to all classes evenly.
   * @default 0
   */
  labelSmoothing: optional(number({ least: 0, most: 1 })),
}

/** Options of `mseLoss` and `l1Loss`. */
export interface LossOptions extends OptionsOf<typeof lossOptions> {}

/** Options of `binaryCrossEntropyWithLogits`. */
export interface WeightedLossOptions extends OptionsOf<typeof weightedOptions> {}

/** Options of `nllLoss`. */
export interface ClassLossOptions<D extends DType>
  extends Omit<OptionsOf<typeof classLossOptions>, 'weight'> {
  /** A factor per class. */
  readonly weight?: Tensor<D> | undefined
}

/** Options of `crossEntropy`. */
export interface CrossEntropyOptions<D extends DType>
  extends ClassLossOptions<D>,
    Pick<OptionsOf<typeof crossEntropyOptions>, 'labelSmoothing'> {}

// libtorch numbers them like this.
const REDUCTION = { none: 0, mean: 1, sum: 2 } as const

/** The cross-entropy of scores `[n, classes, …]` and int64 classes `[n, …]` (or probabilities of the scores' shape). */
export function crossEntropy<D extends DType>(
  scores: Tensor<D>,
  target: Tensor,
  options?: CrossEntropyOptions<D>,
): Tensor<D> {
  const read = readOptions('crossEntropy', crossEntropyOptions, options)
  const { weight, ignoreIndex, labelSmoothing, reduction } = read
  const numbers = [REDUCTION[reduction], ignoreIndex, labelSmoothing]
  return Tensor.wrap(invokeTensor('cross_entropy_loss', scores, target, weight, ...numbers))
}

/** The negative log-likelihood of log-probabilities `[n, classes, …]` and int64 classes `[n, …]`. */
export function nllLoss<D extends DType>(
  logProbabilities: Tensor<D>,
  target: Tensor,
  options?: ClassLossOptions<D>,
): Tensor<D> {
  const { weight, ignoreIndex, reduction } = readOptions('nllLoss', classLossOptions, options)
  return Tensor.wrap(
    invokeTensor('nll_loss_nd', logProbabilities, target, weight, REDUCTION[reduction], ignoreIndex),
  )
}

/** The squared difference. Shapes broadcast, with a warning because that is rarely intended. */
export function mseLoss<D extends DType>(
  input: Tensor<D>,
  target: Tensor<D>,
  options?: LossOptions,
): Tensor<D> {
  const { reduction } = readOptions('mseLoss', lossOptions, options)
  return ofOneShape('mse_loss', input, target, REDUCTION[reduction])
}

/** The absolute difference. Shapes broadcast, with a warning because that is rarely intended. */
export function l1Loss<D extends DType>(
  input: Tensor<D>,
  target: Tensor<D>,
  options?: LossOptions,
): Tensor<D> {
  const { reduction } = readOptions('l1Loss', lossOptions, options)
  return ofOneShape('l1_loss', input, target, REDUCTION[reduction])
}

/**
 * The binary cross-entropy of scores before the sigmoid and targets between 0 and 1, both of one shape. Throws
 * `ERR_SHAPE` if their shapes differ.
 */
export function binaryCrossEntropyWithLogits<D extends DType>(
  scores: Tensor<D>,
  target: Tensor<D>,
  options?: WeightedLossOptions,
): Tensor<D> {
  const { weight, reduction } = readOptions('binaryCrossEntropyWithLogits', weightedOptions, options)
  tensorKind.read(scores, 'binaryCrossEntropyWithLogits: scores')
  tensorKind.read(target, 'binaryCrossEntropyWithLogits: target')
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
 * A loss of two tensors that broadcast. libtorch's operators compute the gradient as if nothing had been repeated, so
 * tensors are expanded before the operator runs, as Python's functions do.
 */
function ofOneShape<D extends DType>(
  operator: string,
  input: Tensor<D>,
  target: Tensor<D>,
  reduction: number,
): Tensor<D> {
  const name = operator.replace('_loss', 'Loss')
  tensorKind.read(input, `${name}: input`)
  tensorKind.read(target, `${name}: target`)
  if (shapeOf(input) === shapeOf(target)) {
    return Tensor.wrap(invokeTensor(operator, input, target, reduction))
  }
  const handles = invoke('broadcast_tensors', [input, target]) as [TensorHandle, TensorHandle]
  using wideInput = Tensor.wrap(handles[0])
  using wideTarget = Tensor.wrap(handles[1])
  warnOnce(
    `${name}: the input is ${shapeOf(input)}, the target is ${shapeOf(target)}: they broadcast to ${shapeOf(wideInput)}, which is rarely intended; give them one shape, with reshape()`,
  )
  return Tensor.wrap(invokeTensor(operator, wideInput, wideTarget, reduction))
}

function shapeOf(tensor: Tensor): string {
  return `[${tensor.shape.join(', ')}]`
}
