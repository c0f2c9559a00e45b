import { TorchPruneError } from '../base/errors.js'
import type { Dataset } from '../data/dataset.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { Tensor } from '../tensor/tensor.js'
import { predict } from './evaluate.js'
import { checkLogits, checkWeights } from './numbers.js'
import {
  DEFAULT_TEMPERATURE,
  DEFAULT_WEIGHT,
  type Distillation,
  type SelfDistillation,
} from './options/distillation.js'
import type { EvaluateOptions } from './options/evaluate.js'
import { checkSamples } from './samples.js'

/** What a teacher says of every sample; it may come as that. @internal */
export async function logitsOf(
  teacher: Distillation['teacher'],
  dataset: Dataset,
  options: Pick<EvaluateOptions, 'autocast' | 'signal'>,
): Promise<Tensor> {
  // A handle of its own: the caller's may be disposed of meanwhile.
  return teacher instanceof Tensor ? teacher.detach() : predict(teacher, dataset, options)
}

/** Throws for a teacher whose outputs are not those of the network. */
export function checkDistillation(network: AnyNetwork, distillation: SelfDistillation): void {
  const { teacher } = distillation
  if (teacher === undefined) return
  const own = network.nodes.at(-1)!.shape
  const taught = teacher instanceof Tensor ? teacher.shape.slice(1) : teacher.nodes.at(-1)!.shape
  if (taught.join() === own.join()) return
  throw new TorchPruneError(
    'ERR_SHAPE',
    `the teacher says [${taught.join(', ')}] of each sample, the network [${own.join(', ')}]: they must have the same outputs`,
  )
}

/** Throws unless a teacher has something to say of each sample of a dataset. */
export function checkTeacher(teacher: Distillation['teacher'], dataset: Dataset): void {
  if (!(teacher instanceof Tensor)) {
    checkSamples(teacher, dataset, 'the training set')
    return
  }
  if (teacher.shape[0] === dataset.length) return
  throw new TorchPruneError(
    'ERR_SHAPE',
    `a teacher's outputs must be those for the ${dataset.length} samples of this dataset, got [${teacher.shape.join(', ')}]`,
  )
}

/** Throws `ERR_ARGUMENT` where a teacher's weights or logits are NaN or infinite. */
export function checkTeacherValues(teacher: Distillation['teacher'], signal?: AbortSignal): Promise<void> {
  return teacher instanceof Tensor
    ? checkLogits(teacher, signal)
    : checkWeights(teacher, signal, 'the teacher')
}

/** The teacher's logits, and how much they count; `options` are those of the addon. */
export async function lessonOf(
  distillation: Distillation | undefined,
  dataset: Dataset,
  options: Pick<EvaluateOptions, 'autocast' | 'signal'>,
) {
  if (distillation === undefined) return undefined
  const { teacher, weight = DEFAULT_WEIGHT, temperature = DEFAULT_TEMPERATURE } = distillation
  const logits = await logitsOf(teacher, dataset, options)
  return {
    options: { teacher: logits.handle, teacherWeight: weight, temperature },
    [Symbol.dispose]: () => logits.dispose(),
  }
}
