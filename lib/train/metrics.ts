import type { NativeMetrics } from '../binding/native.js'
import type { BinaryCrossEntropyLoss, CrossEntropyLoss, Loss } from './losses.js'

interface Measured {
  readonly samples: number
  /** The mean loss over the dataset. */
  readonly loss: number
  /**
   * The one number that the network is judged by; lower is better. It is the percentage of classes or labels that are
   * wrong or, for a regression, the loss.
   */
  readonly error: number
  /** The share of non-zero values in the input, and in each layer's output; empty unless they were requested. */
  readonly activations: { readonly input: number; readonly layers: Readonly<Record<string, number>> }
}

/** How well a network predicts classes, with `losses.crossEntropy()`. */
export interface ClassEvaluation extends Measured {
  readonly kind: 'classes'
  /** The percentage of samples whose class is wrong. */
  readonly top1Error: number
  /** The percentage of samples whose class is not among the five most likely. */
  readonly top5Error: number
}

/** How well a network predicts the labels of samples, with `losses.binaryCrossEntropyWithLogits()`. */
export interface LabelEvaluation extends Measured {
  readonly kind: 'labels'
  /** The percentage of wrong labels, over all samples. A label is predicted if its output is over 0. */
  readonly labelError: number
  /** The percentage of samples whose labels are all right. */
  readonly exactMatch: number
  /** The F1 score over all labels together (micro), in 0..1. */
  readonly f1: number
  /** The mean F1 score over labels (macro), in 0..1; a label that never occurs and is never predicted counts as 0. */
  readonly macroF1: number
}

/** How well a network predicts numbers, with `losses.mse()`, `losses.l1()` or `losses.huber()`. */
export interface RegressionEvaluation extends Measured {
  readonly kind: 'regression'
  /** The mean squared error. */
  readonly mse: number
  /** The mean absolute error. */
  readonly mae: number
  /** The share of the targets' variance that is explained, averaged over outputs, as in scikit-learn's `r2_score`. */
  readonly r2: number
}

/** The result of `evaluate()`, which depends on the loss. */
export type Evaluation = ClassEvaluation | LabelEvaluation | RegressionEvaluation

/** The result of `evaluate()` for a certain loss. */
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
