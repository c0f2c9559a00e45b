import { refuseReading } from '../base/lease.js'
import { loadAddon } from '../binding/addon.js'
import { type JobOptions, type Listener, runJob } from '../binding/native_job.js'
import type { Dataset } from '../data/dataset.js'
import { checkCounts } from '../errors.js'
import type { ComputeOptions } from '../nn/compute.js'
import type { AnyNetwork } from '../nn/network.js'
import { Tensor } from '../tensor/tensor.js'
import { causeOfOutputs } from './numbers.js'
import { checkLabelled, checkSamples } from './samples.js'

export interface EvaluateOptions extends JobOptions, ComputeOptions {
  readonly batchSize?: number
  /** Also measures the share of non-zero activations. */
  readonly activations?: boolean
  readonly onProgress?: Listener | undefined
}

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
 * @throws TorchPruneError `ERR_ARGUMENT` or `ERR_TORCH` naming why, where the loss is not a number.
 */
export async function evaluate(
  network: AnyNetwork,
  dataset: Dataset,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  const evaluation = await measure(network, dataset, options)
  if (Number.isFinite(evaluation.loss)) return evaluation
  throw await causeOfOutputs(network, dataset, options.signal)
}

/** As `evaluate()`, also where outputs are not numbers: such samples count as errors. @internal */
export async function measure(
  network: AnyNetwork,
  dataset: Dataset,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  const { batchSize = 250, activations = false, autocast, memoryFormat, onProgress, signal } = options
  checkCounts({ batchSize })
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
 */
export async function predict(
  network: AnyNetwork,
  dataset: Dataset,
  options: JobOptions & ComputeOptions & { readonly batchSize?: number } = {},
): Promise<Tensor> {
  const { batchSize = 250, autocast, memoryFormat, signal } = options
  checkCounts({ batchSize })
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
