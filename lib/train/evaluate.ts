import { refuseReading } from '../base/lease.js'
import { readOptions } from '../base/option.js'
import { loadAddon } from '../binding/addon.js'
import { runJob } from '../binding/native_job.js'
import { type Dataset, datasetKind } from '../data/dataset.js'
import { type AnyNetwork, networkKind } from '../nn/network.js'
import { Tensor } from '../tensor/tensor.js'
import { causeOfOutputs } from './numbers.js'
import {
  DEFAULT_EVALUATION_BATCH,
  type EvaluateOptions,
  evaluateOptions,
  type PredictOptions,
  predictOptions,
} from './options.js'
import { checkLabelled, checkSamples } from './samples.js'

export interface Evaluation {
  readonly samples: number
  /** Mean cross-entropy. */
  readonly loss: number
  /** Percent. */
  readonly top1Error: number
  /** Percent; the right class is not among the five best. */
  readonly top5Error: number
  /** Share of non-zero values in the input, and in each layer's output: empty unless asked for. */
  readonly activations: { readonly input: number; readonly layers: Readonly<Record<string, number>> }
}

/**
 * Loss and errors of a network over a dataset, in evaluation mode.
 *
 * Rejects with TorchPruneError, for wrong arguments too: `ERR_ARGUMENT`, `ERR_SHAPE`; `ERR_BUSY` for a network in use;
 * `ERR_ARGUMENT` or `ERR_TORCH` naming why, where the loss is not a number.
 */
export async function evaluate(
  network: AnyNetwork,
  dataset: Dataset,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  networkKind.read(network, 'evaluate: network')
  datasetKind.read(dataset, 'evaluate: dataset')
  const evaluation = await measure(network, dataset, readOptions('evaluate', evaluateOptions, options))
  if (Number.isFinite(evaluation.loss)) return evaluation
  throw await causeOfOutputs(network, dataset, options.signal)
}

/** As `evaluate()`, also where outputs are not numbers: such samples count as errors. @internal */
export async function measure(
  network: AnyNetwork,
  dataset: Dataset,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  const { batchSize = DEFAULT_EVALUATION_BATCH, activations = false } = options
  const { autocast, memoryFormat, onProgress, signal } = options
  checkLabelled(network, dataset)
  refuseReading(network)
  if (memoryFormat) await network.setMemoryFormat(memoryFormat, signal)
  const result = await runJob(
    (report) =>
      loadAddon().evaluationStart(
        network.handle,
        dataset.handle,
        { batchSize, activations, autocast },
        report,
      ),
    signal,
    onProgress,
  )
  return {
    samples: result.samples,
    loss: result.loss,
    top1Error: percentWrong(result.correct, result.samples),
    top5Error: percentWrong(result.correct5, result.samples),
    activations: { input: result.inputDensity, layers: result.densities },
  }
}

/**
 * What a network says of every sample, in evaluation mode: logits, float32 `[N, classes]`, on the CPU. The
 * teacher of a distillation, computed once.
 *
 * Rejects with TorchPruneError as `evaluate()`, for wrong arguments too.
 */
export async function predict(
  network: AnyNetwork,
  dataset: Dataset,
  options: PredictOptions = {},
): Promise<Tensor> {
  const { batchSize, autocast, memoryFormat, signal } = readOptions('predict', predictOptions, options)
  networkKind.read(network, 'predict: network')
  datasetKind.read(dataset, 'predict: dataset')
  checkSamples(network, dataset)
  refuseReading(network)
  if (memoryFormat) await network.setMemoryFormat(memoryFormat, signal)
  const start = () => loadAddon().predictionStart(network.handle, dataset.handle, { batchSize, autocast })
  const { logits, finite } = await runJob(start, signal)
  const outputs = Tensor.wrap(logits)
  if (finite) return outputs
  outputs.dispose()
  throw await causeOfOutputs(network, dataset, signal)
}

export function percentWrong(correct: number, samples: number): number {
  return samples === 0 ? 0 : (100 * (samples - correct)) / samples
}
