import { anyOf, type Kind, number } from '../../base/kind.js'
import { group, type OptionsOf, optional, type ReadOf } from '../../base/option.js'
import { networkKind } from '../../nn/any_network.js'
import { tensorKind } from '../../tensor/core.js'

export const DEFAULT_WEIGHT = 0.7
export const DEFAULT_TEMPERATURE = 4

export const lessonOptions = {
  /**
   * Share of the loss that is the teacher's.
   * @default 0.7
   */
  weight: optional(number({ least: 0, most: 1 }), DEFAULT_WEIGHT),
  /**
   * Softens both sides' probabilities.
   * @default 4
   */
  temperature: optional(number({ over: 0 }), DEFAULT_TEMPERATURE),
}
const teacher = anyOf(networkKind, tensorKind)

export const distillationOptions = {
  /** A network, asked once before the first epoch, or its logits for the dataset from `predict()`. */
  teacher,
  ...lessonOptions,
}

export const selfDistillationOptions = {
  /**
   * A network, or its logits for the dataset from `predict()`.
   * @default the network itself, as it comes
   */
  teacher: optional(teacher),
  ...lessonOptions,
}

/** Learning from what a teacher says of each sample (Hinton, Vinyals and Dean 2015). */
export interface Distillation extends OptionsOf<typeof distillationOptions> {}

/** The same where the network may be its own teacher, as it was before it was pruned. */
export interface SelfDistillation extends OptionsOf<typeof selfDistillationOptions> {}

export const distillationKind: Kind<ReadOf<typeof distillationOptions>, Distillation> = group(
  distillationOptions,
)
export const selfDistillationKind: Kind<ReadOf<typeof selfDistillationOptions>, SelfDistillation> = group(
  selfDistillationOptions,
)
