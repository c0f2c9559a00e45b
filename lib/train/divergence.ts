import type { ComputeOptions } from '../base/compute.js'
import { TorchPruneError } from '../base/errors.js'
import type { BrokenStep, TrainingResult } from '../binding/native.js'
import type { Regularization } from '../optim/regularization.js'
import type { OptimizerSpec } from '../optim/spec.js'
import { countOf, heldBy } from './numbers.js'

/** Samples are normalized to about 1; beyond this it is they that make a loss overflow. */
const LARGE_SAMPLE = 1e4
/** A network that has learned nothing, and is of reasonable size, does not come near it. */
const LARGE_LOSS = 1e4

/** What training knows of itself when its numbers run out. */
export interface BrokenTraining {
  readonly epoch: number
  readonly result: TrainingResult & { readonly broken: BrokenStep }
  /** Whether a step before it has changed the weights. */
  readonly moved: boolean
  readonly lr: number
  readonly optimizer: OptimizerSpec
  readonly regularization: Regularization
  readonly autocast?: ComputeOptions['autocast']
}

/** Says why training broke down, and how to fix that: it is not always the learning rate. */
export function causeOfBreakdown(training: BrokenTraining): TorchPruneError {
  const { broken, steps } = training.result
  const { epoch } = training
  const where = !training.result.over
    ? `in epoch ${epoch}, step ${steps + 1}`
    : `at the end of epoch ${epoch}`
  if (broken.what === 'sample') {
    return new TorchPruneError(
      'ERR_ARGUMENT',
      `training stopped ${where}: sample ${broken.sample} of the training set holds ${countOf(broken)}; replace it, or leave it out`,
    )
  }
  if (broken.what === 'target') {
    return new TorchPruneError(
      'ERR_ARGUMENT',
      `training stopped ${where}: the target of sample ${broken.sample} holds ${countOf(broken)}; replace it, or leave the sample out`,
    )
  }
  if (broken.what === 'teacher') {
    return new TorchPruneError(
      'ERR_ARGUMENT',
      `training stopped ${where}: the teacher's logits for sample ${broken.sample} hold ${countOf(broken)}; ask a teacher whose outputs are finite`,
    )
  }
  return new TorchPruneError('ERR_TORCH', `training diverged ${where}: ${overflow(training)}`)
}

function overflow(training: BrokenTraining): string {
  const { broken, firstLoss, lastLoss, largestSample } = training.result
  const { lr, moved } = training
  const what = shown(broken)
  if (largestSample >= LARGE_SAMPLE) {
    return `${what}, and samples reach ${short(largestSample)}; scale them to about 1`
  }
  if (training.autocast === 'float16' && broken.what !== 'tensor') {
    const rate = moved ? `, or lower the learning rate (now ${lr})` : ''
    return `${what}: float16 ends at 65504; use autocast 'bfloat16'${rate}`
  }
  if (!moved || lr === 0) {
    return `${what} before any step has changed the weights; start from smaller weights`
  }
  if (firstLoss > LARGE_LOSS) {
    return `${what}, and the loss of the first step was ${short(firstLoss)} already; start from smaller weights`
  }
  const decay = decayOf(training)
  if (lr * decay > 2) {
    return `${what}: learning rate times weight decay is ${short(lr * decay)}, so that each step throws weights further past zero; lower weightDecay and regularization (now ${short(decay)} together)`
  }
  const rose =
    Number.isFinite(lastLoss) && lastLoss > firstLoss
      ? `the loss rose from ${short(firstLoss)} to ${short(lastLoss)}, and then `
      : ''
  return `${rose}${what}; lower the learning rate (now ${lr})`
}

function shown(broken: BrokenStep): string {
  if (broken.what === 'tensor') return heldBy(broken)
  if (broken.what === 'layer') return `the output of layer '${broken.name}' holds ${countOf(broken)}`
  // A smaller scale would not help, since it was 1 already.
  if (broken.what === 'gradient') return `the gradient of ${heldBy(broken)}, unscaled too`
  return 'the loss is not a number'
}

/** What weights are pulled to zero by. */
function decayOf({ optimizer, regularization }: BrokenTraining): number {
  return optimizer.weightDecay + (regularization.kind === 'l2' ? regularization.strength : 0)
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)))
}
