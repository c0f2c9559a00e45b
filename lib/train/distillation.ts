import type { Dataset } from '../data/dataset.js'
import { TorchPruneError } from '../errors.js'
import type { AnyNetwork } from '../nn/network.js'
import { Tensor } from '../tensor/tensor.js'
import { type EvaluateOptions, predict } from './evaluate.js'

/** Learning from what a teacher says of each sample (Hinton, Vinyals and Dean 2015). */
export interface Distillation {
  /** A network, asked once before the first epoch, or its logits for the dataset from `predict()`. */
  readonly teacher: AnyNetwork | Tensor
  /** Share of the loss that is the teacher's. 0.7 unless given. */
  readonly weight?: number | undefined
  /** Softens both sides' probabilities. 4 unless given. */
  readonly temperature?: number | undefined
}

/** What a teacher says of every sample; it may come as that. @internal */
export async function logitsOf(
  teacher: Distillation['teacher'],
  dataset: Dataset,
  options: Pick<EvaluateOptions, 'autocast' | 'signal'>,
): Promise<Tensor> {
  // A handle of its own: the caller's may be disposed of meanwhile.
  return teacher instanceof Tensor ? teacher.detach() : predict(teacher, dataset, options)
}

/** The teacher's logits and how much they count, as the addon takes them. */
export async function lessonOf(
  distillation: Distillation | undefined,
  dataset: Dataset,
  options: Pick<EvaluateOptions, 'autocast' | 'signal'>,
) {
  if (distillation === undefined) return {}
  const { teacher, weight = 0.7, temperature = 4 } = distillation
  if (!(weight >= 0 && weight <= 1)) {
    throw new TorchPruneError('ERR_ARGUMENT', `distillation.weight must be in 0..1, got ${weight}`)
  }
  if (!(temperature > 0)) {
    throw new TorchPruneError('ERR_ARGUMENT', `distillation.temperature must be over 0, got ${temperature}`)
  }
  const logits = await logitsOf(teacher, dataset, options)
  return { teacher: logits.handle, teacherWeight: weight, temperature }
}
