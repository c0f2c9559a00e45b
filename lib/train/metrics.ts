import type { NativeMetrics } from '../binding/native.js'
import type { BinaryCrossEntropyLoss, CrossEntropyLoss, Loss } from './losses.js'

interface Measured {
  readonly samples: number
  /** The mean over the dataset of the loss that was asked for. */
  readonly loss: number
  /**
   * The one number that the network is judged by, the less the better: percent of classes or labels that are wrong; of
   * a regression, the loss.
   */
  readonly error: number
  /** Share of non-zero values in the input, and in each layer's output: empty unless asked for. */
  readonly activations: { readonly input: number; readonly layers: Readonly<Record<string, number>> }
}

/** How well a network tells classes: of `losses.crossEntropy()`. */
export interface ClassEvaluation extends Measured {
  readonly kind: 'classes'
  /** Percent. */
  readonly top1Error: number
  /** Percent; the right class is not among the five best. */
  readonly top5Error: number
}

/** How well a network tells which labels a sample has: of `losses.binaryCrossEntropyWithLogits()`. */
export interface LabelEvaluation extends Measured {
  readonly kind: 'labels'
  /** Percent of all labels of all samples. A label is found where its output is over 0. */
  readonly labelError: number
  /** Percent of samples with all labels right. */
  readonly exactMatch: number
  /** F1 over all labels together (micro), in 0..1. */
  readonly f1: number
  /** The mean of the F1 of each label (macro), in 0..1; 0 for one that is never there nor found. */
  readonly macroF1: number
}

/** How well a network tells numbers: of `losses.mse()`, `losses.l1()` and `losses.huber()`. */
export interface RegressionEvaluation extends Measured {
  readonly kind: 'regression'
  /** Mean squared error. */
  readonly mse: number
  /** Mean absolute error. */
  readonly mae: number
  /** Share of the targets' variance that is explained, the mean over outputs, as scikit-learn's `r2_score`. */
  readonly r2: number
}

/** What `evaluate()` says of a network over a dataset, by the kind of its loss. */
export type Evaluation = ClassEvaluation | LabelEvaluation | RegressionEvaluation

/** What `evaluate()` returns for a loss. */
export type EvaluationOf<L extends Loss> = L extends CrossEntropyLoss
  ? ClassEvaluation
  : L extends BinaryCrossEntropyLoss
    ? LabelEvaluation
    : RegressionEvaluation

/** @internal */
export function evaluationOf(metrics: NativeMetrics, measured: Omit<Measured, 'error'>): Evaluation {
  switch (metrics.kind) {
    case 'classes': {
      const top1Error = percentWrong(metrics.correct, metrics.judged)
      const top5Error = percentWrong(metrics.correct5, metrics.judged)
      return { kind: 'classes', ...measured, error: top1Error, top1Error, top5Error }
    }
    case 'labels': {
      const { f1 = 0, macroF1 = 0 } = metrics
      const labelError = percentWrong(metrics.correct, metrics.judged)
      const exactMatch = 100 - percentWrong(metrics.exact, metrics.samples)
      return { kind: 'labels', ...measured, error: labelError, labelError, exactMatch, f1, macroF1 }
    }
    case 'regression': {
      const { mse = 0, mae = 0, r2 = 0 } = metrics
      return { kind: 'regression', ...measured, error: measured.loss, mse, mae, r2 }
    }
  }
}

export function percentWrong(correct: number, judged: number): number {
  return judged === 0 ? 0 : (100 * (judged - correct)) / judged
}
