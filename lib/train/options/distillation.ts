import { anyOf, type Kind, number } from '../../base/kind.js'
import { group, type OptionsOf, optional, type ReadOf } from '../../base/option.js'
import { networkKind } from '../../nn/any_network.js'
import { tensorKind } from '../../tensor/core.js'

export const DEFAULT_WEIGHT = 0.7
export const DEFAULT_TEMPERATURE = 4

export const lessonOptions = {
  /**
   * The share of the loss that compares with the teacher.
   * @default 0.7
   */
  weight: optional(number({ least: 0, most: 1 }), DEFAULT_WEIGHT),
  /**
   * A number by which the logits of both networks are divided; higher ones make their probabilities more even.
   * @default 4
   */
  temperature: optional(number({ over: 0 }), DEFAULT_TEMPERATURE),
}
const teacher = anyOf(networkKind, tensorKind)

export const distillationOptions = {
  /**
   * A network, which is run once before the first epoch, or its logits for the dataset, as `predict()` returns them.
   */
  teacher,
  ...lessonOptions,
}

export const selfDistillationOptions = {
  /**
   * A network, or its logits for the dataset, as `predict()` returns them.
   * @default the network itself, as it is before the first step
   */
  teacher: optional(teacher),
  ...lessonOptions,
}

/** Learning from a teacher's outputs for each sample (Hinton, Vinyals and Dean 2015). */
export interface Distillation extends OptionsOf<typeof distillationOptions> {}

/** Learning from a teacher, which may be the network itself as it was before it was pruned. */
export interface SelfDistillation extends OptionsOf<typeof selfDistillationOptions> {}

export const distillationKind: Kind<ReadOf<typeof distillationOptions>, Distillation> = group(
  distillationOptions,
)
export const selfDistillationKind: Kind<ReadOf<typeof selfDistillationOptions>, SelfDistillation> = group(
  selfDistillationOptions,
)
