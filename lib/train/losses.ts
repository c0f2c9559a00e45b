import { list } from '../base/collection.js'
import { TorchPruneError } from '../base/errors.js'
import { type Kind, number, whole } from '../base/kind.js'
import { made, type OptionsOf, optional, type ReadOf, readOptions } from '../base/option.js'
import { shown } from '../base/shown.js'

const factors = list(number({ least: 0 }), 'an array of numbers of 0 or more', 1)

export const crossEntropyOptions = {
  /**
   * A factor for each class.
   * @default 1 for each
   */
  weight: optional(factors),
  /**
   * A label whose samples do not count, such as -100.
   * @default none: a label without an output is refused
   */
  ignoreIndex: optional(whole()),
  /**
   * Moves this share of the targets from the right class to all of them (Szegedy et al. 2016).
   * @default 0
   */
  labelSmoothing: optional(number({ least: 0, most: 1 }), 0),
}

export const binaryOptions = {
  /**
   * A factor for where a label is there: one number for each label, or one for all.
   * @default 1
   */
  posWeight: optional(factors),
}

export const huberOptions = {
  /**
   * The difference from which on the loss is linear.
   * @default 1
   */
  delta: optional(number({ over: 0 }), 1),
}

export interface CrossEntropyLossOptions extends OptionsOf<typeof crossEntropyOptions> {}
export interface BinaryCrossEntropyLossOptions extends OptionsOf<typeof binaryOptions> {}
export interface HuberLossOptions extends OptionsOf<typeof huberOptions> {}

/** Cross-entropy, described. */
export interface CrossEntropyLoss extends ReadOf<typeof crossEntropyOptions> {
  readonly kind: 'crossEntropy'
}
/** Binary cross-entropy over outputs before the sigmoid, described. */
export interface BinaryCrossEntropyLoss extends ReadOf<typeof binaryOptions> {
  readonly kind: 'binaryCrossEntropyWithLogits'
}
/** A loss of differences between outputs and targets, described. */
export type RegressionLoss =
  | { readonly kind: 'mse' }
  | { readonly kind: 'l1' }
  | ({ readonly kind: 'huber' } & ReadOf<typeof huberOptions>)

/** What training makes small. */
export type Loss = CrossEntropyLoss | BinaryCrossEntropyLoss | RegressionLoss

/** Losses by PyTorch's names and formulas, each the mean over a batch. */
export const losses = {
  /**
   * As `torch.nn.CrossEntropyLoss`, of outputs `[N, classes, …]` and int64 labels `[N, …]`. The mean is over what
   * counts: with `weight`, divided by the weights of the labels; without those that are ignored.
   */
  crossEntropy(options: CrossEntropyLossOptions = {}): CrossEntropyLoss {
    return { kind: 'crossEntropy', ...readOptions('losses.crossEntropy', crossEntropyOptions, options) }
  },
  /**
   * As `torch.nn.BCEWithLogitsLoss`, of outputs and targets in one shape, `[N, labels]`: each label is there (1) or
   * not (0), whatever the others are.
   */
  binaryCrossEntropyWithLogits(options: BinaryCrossEntropyLossOptions = {}): BinaryCrossEntropyLoss {
    const read = readOptions('losses.binaryCrossEntropyWithLogits', binaryOptions, options)
    return { kind: 'binaryCrossEntropyWithLogits', ...read }
  },
  /** As `torch.nn.MSELoss`: the squared difference of outputs and float targets in one shape. */
  mse(): RegressionLoss & { readonly kind: 'mse' } {
    return { kind: 'mse' }
  },
  /** As `torch.nn.L1Loss`: the absolute difference. */
  l1(): RegressionLoss & { readonly kind: 'l1' } {
    return { kind: 'l1' }
  },
  /** As `torch.nn.HuberLoss`: half the square of differences up to `delta`, and linear after that. */
  huber(options: HuberLossOptions = {}): RegressionLoss & { readonly kind: 'huber' } {
    return { kind: 'huber', ...readOptions('losses.huber', huberOptions, options) }
  },
} as const

/** A loss as an option. */
export const lossKind = made<Loss>({
  kinds: {
    crossEntropy: crossEntropyOptions,
    binaryCrossEntropyWithLogits: binaryOptions,
    mse: {},
    l1: {},
    huber: huberOptions,
  },
  makers: [
    'losses.crossEntropy()',
    'losses.binaryCrossEntropyWithLogits()',
    'losses.mse()',
    'losses.l1()',
    'losses.huber()',
  ],
})

const crossEntropy = made<CrossEntropyLoss>({
  kinds: { crossEntropy: crossEntropyOptions },
  makers: ['losses.crossEntropy()'],
})

/** A loss of classes as an option. Another loss is one that exists and cannot be used here, so it has its own error. */
export const crossEntropyKind: Kind<CrossEntropyLoss> = {
  ...crossEntropy,
  read(value, name) {
    const { kind } = Object(value) as { readonly kind?: unknown }
    if (typeof kind !== 'string' || kind === 'crossEntropy' || !Object.hasOwn(losses, kind)) {
      return crossEntropy.read(value, name)
    }
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `${name}: recipes report errors of classes, so they take losses.crossEntropy() alone, got ${shown(kind)}: for ` +
        'another loss, call train() and prune()',
    )
  },
}

/** What a network is trained by where nothing else is said. */
export const DEFAULT_LOSS: CrossEntropyLoss = losses.crossEntropy()
