import { list } from '../base/collection.js'
import { TorchPruneError } from '../base/errors.js'
import { type Kind, number, whole } from '../base/kind.js'
import { made, type OptionsOf, optional, type ReadOf, readOptions } from '../base/option.js'
import { shown } from '../base/shown.js'

const factors = list(number({ least: 0 }), 'an array of numbers of 0 or more', 1)

export const crossEntropyOptions = {
  /**
   * A factor of each class.
   * @default 1 for each class
   */
  weight: optional(factors),
  /**
   * A label whose samples are ignored, such as -100.
   * @default none: labels that have no output are refused
   */
  ignoreIndex: optional(whole()),
  /**
   * The share of each target that goes from the right class to all classes (Szegedy et al. 2016).
   * @default 0
   */
  labelSmoothing: optional(number({ least: 0, most: 1 }), 0),
}

export const binaryOptions = {
  /**
   * A factor of the loss of labels that a sample has: one number per label, or one for all.
   * @default 1
   */
  posWeight: optional(factors),
}

export const huberOptions = {
  /**
   * The difference above which the loss is linear.
   * @default 1
   */
  delta: optional(number({ over: 0 }), 1),
}

export interface CrossEntropyLossOptions extends OptionsOf<typeof crossEntropyOptions> {}
export interface BinaryCrossEntropyLossOptions extends OptionsOf<typeof binaryOptions> {}
export interface HuberLossOptions extends OptionsOf<typeof huberOptions> {}

/** Cross-entropy, as plain values. */
export interface CrossEntropyLoss extends ReadOf<typeof crossEntropyOptions> {
  readonly kind: 'crossEntropy'
}
/** Binary cross-entropy of outputs before the sigmoid, as plain values. */
export interface BinaryCrossEntropyLoss extends ReadOf<typeof binaryOptions> {
  readonly kind: 'binaryCrossEntropyWithLogits'
}
/** A loss of differences between outputs and targets, as plain values. */
export type RegressionLoss =
  | { readonly kind: 'mse' }
  | { readonly kind: 'l1' }
  | ({ readonly kind: 'huber' } & ReadOf<typeof huberOptions>)

/** A loss, which training minimizes. */
export type Loss = CrossEntropyLoss | BinaryCrossEntropyLoss | RegressionLoss

/** Losses with PyTorch's names and formulas, averaged over a batch. */
export const losses = {
  /**
   * As `torch.nn.CrossEntropyLoss`, of outputs `[N, classes, …]` and int64 labels `[N, …]`. With `weight`, the mean is
   * weighted by the factors of the labels; ignored labels do not count.
   */
  crossEntropy(options: CrossEntropyLossOptions = {}): CrossEntropyLoss {
    return { kind: 'crossEntropy', ...readOptions('losses.crossEntropy', crossEntropyOptions, options) }
  },
  /**
   * As `torch.nn.BCEWithLogitsLoss`, of outputs and targets of the same shape, `[N, labels]`. A sample has each label
   * (1) or not (0), independently of the others.
   */
  binaryCrossEntropyWithLogits(options: BinaryCrossEntropyLossOptions = {}): BinaryCrossEntropyLoss {
    const read = readOptions('losses.binaryCrossEntropyWithLogits', binaryOptions, options)
    return { kind: 'binaryCrossEntropyWithLogits', ...read }
  },
  /** As `torch.nn.MSELoss`: the squared difference of outputs and float targets of the same shape. */
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

/** A loss of classes as an option. Other losses exist but cannot be used here, so they have an error of their own. */
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

/** The default loss. */
export const DEFAULT_LOSS: CrossEntropyLoss = losses.crossEntropy()
