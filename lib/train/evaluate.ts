import { refuseReading } from '../base/lease.js'
import { readOptions } from '../base/option.js'
import { loadAddon } from '../binding/addon.js'
import { runJob } from '../binding/native_job.js'
import { explained } from '../data/batches.js'
import type { Dataset } from '../data/dataset.js'
import { datasetKind } from '../data/splits.js'
import { type AnyNetwork, networkKind } from '../nn/any_network.js'
import { Tensor } from '../tensor/tensor.js'
import { type CrossEntropyLoss, DEFAULT_LOSS, type Loss } from './losses.js'
import { type Evaluation, type EvaluationOf, evaluationOf } from './metrics.js'
import { causeOfOutputs } from './numbers.js'
import {
  DEFAULT_EVALUATION_BATCH,
  type EvaluateOptions,
  evaluateOptions,
  type PredictOptions,
  predictOptions,
} from './options/evaluate.js'
import { checkSamples, checkTargets } from './samples.js'

/**
 * Loss and errors of a network over a dataset, in evaluation mode. What they are follows from `loss`: errors of classes
 * by default, `mse`, `mae` and `r2` of a regression.
 *
 * Rejects with TorchPruneError, for wrong arguments too: `ERR_ARGUMENT`, `ERR_SHAPE`; `ERR_BUSY` for a network in use;
 * `ERR_ARGUMENT` or `ERR_TORCH` naming why, where the loss is not a number.
 */
export async function evaluate<L extends Loss = CrossEntropyLoss>(
  network: AnyNetwork,
  dataset: Dataset,
  options: EvaluateOptions<L> = {},
): Promise<EvaluationOf<L>> {
  networkKind.read(network, 'evaluate: network')
  datasetKind.read(dataset, 'evaluate: dataset')
  const read: EvaluateOptions = readOptions('evaluate', evaluateOptions, options)
  const evaluation = await measure(network, dataset, read)
  if (Number.isFinite(evaluation.loss)) return evaluation as EvaluationOf<L>
  throw await causeOfOutputs(network, dataset, options)
}

/** As `evaluate()`, also where outputs are not numbers: such samples count as errors. @internal */
export async function measure(
  network: AnyNetwork,
  dataset: Dataset,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  const { batchSize = DEFAULT_EVALUATION_BATCH, loss = DEFAULT_LOSS, activations = false } = options
  const { autocast, memoryFormat, onProgress, signal } = options
  checkTargets(network, dataset, loss)
  refuseReading(network)
  if (memoryFormat) await network.setMemoryFormat(memoryFormat, signal)
  const job = { batchSize, loss, activations, autocast }
  const result = await explained(dataset.maker, () =>
    runJob(
      (report) => loadAddon().evaluationStart(network.handle, dataset.handle, job, report),
      signal,
      onProgress,
    ),
  )
  return evaluationOf(result.metrics, {
    samples: result.samples,
    loss: result.loss,
    activations: { input: result.inputDensity, layers: result.densities },
  })
}

/**
 * What a network says of every sample, in evaluation mode: outputs, float32 `[N, …]`, on the CPU. The
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
  const { logits, finite } = await explained(dataset.maker, () => runJob(start, signal))
  const outputs = Tensor.wrap(logits)
  if (finite) return outputs
  outputs.dispose()
  throw await causeOfOutputs(network, dataset, { autocast, signal })
}
