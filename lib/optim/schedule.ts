import { number } from '../base/kind.js'
import { made, type OptionsOf, optional, type ReadOf, readOptions } from '../base/option.js'

/** How the learning rate changes, as a factor of the optimizer's own rate. */
export type Schedule =
  | { readonly kind: 'constant' }
  | ({ readonly kind: 'cosine' } & ReadOf<typeof cosineOptions>)
  | ({ readonly kind: 'step' } & ReadOf<typeof stepOptions>)

/** The options of `cosine`, by name. */
export const cosineOptions = {
  /**
   * The share of all steps over which the rate rises linearly.
   * @default 0
   */
  warmup: optional(number({ least: 0, most: 1 }), 0),
  /**
   * The factor at the end.
   * @default 0
   */
  final: optional(number({ least: 0, most: 1 }), 0),
}

/** The options of `step`, by name. */
export const stepOptions = {
  /** The number of epochs between two changes of the rate. */
  every: number({ over: 0 }),
  /**
   * The factor by which the rate is multiplied.
   * @default 0.1
   */
  factor: optional(number({ over: 0 }), 0.1),
}

/** Options of `cosine`. */
export interface CosineOptions extends OptionsOf<typeof cosineOptions> {}

/** Keeps the rate constant. */
export function constant(): Schedule {
  return { kind: 'constant' }
}

/**
 * Half a cosine from 1 down to `final`, after a linear `warmup` over that share of all steps (Loshchilov and Hutter
 * 2017, one cycle).
 */
export function cosine(options: CosineOptions = {}): Schedule {
  return { kind: 'cosine', ...readOptions('cosine', cosineOptions, options) }
}

/** Multiplies the rate by `factor` after every `every` epochs. `factor` defaults to 0.1. */
export function step(every: number, factor = stepOptions.factor.fallback): Schedule {
  return { kind: 'step', ...readOptions('step', stepOptions, { every, factor }) }
}

/** A schedule as an option. */
export const scheduleKind = made<Schedule>({
  kinds: { constant: {}, cosine: cosineOptions, step: stepOptions },
  makers: ['constant()', 'cosine()', 'step(10)'],
})

/** The factor at step `at` (counted from 0) of `total` steps, in epochs of `perEpoch` steps. */
export function rateFactor(schedule: Schedule, at: number, total: number, perEpoch: number): number {
  switch (schedule.kind) {
    case 'constant':
      return 1
    case 'cosine': {
      const warm = schedule.warmup * total
      if (at < warm) return (at + 1) / (warm + 1)
      const progress = (at - warm) / Math.max(total - warm, 1)
      return schedule.final + (1 - schedule.final) * 0.5 * (1 + Math.cos(Math.PI * progress))
    }
    case 'step':
      return schedule.factor ** Math.floor(at / (perEpoch * schedule.every))
  }
}
