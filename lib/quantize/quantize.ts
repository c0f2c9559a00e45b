import type { Abortable } from '../base/abort.js'
import { TorchPruneError } from '../base/errors.js'
import { type Job, telling } from '../base/job.js'
import { type OptionsOf, type ReadOf, readOptions } from '../base/option.js'
import { type DataSplits, splitsKind } from '../data/splits.js'
import { type AnyNetwork, networkKind } from '../nn/any_network.js'
import { sortShared } from '../nn/equal_values.js'
import type { LayerKinds, PrunableName } from '../nn/graph.js'
import { refuseSpliced } from '../nn/sealed.js'
import { HeldTensors } from '../tensor/held.js'
import { checkSettings, checkTrainingSet } from '../train/check.js'
import { checkTeacherValues, logitsOf } from '../train/distillation.js'
import { measure } from '../train/evaluate.js'
import { networkJob } from '../train/lease.js'
import { DEFAULT_LOSS } from '../train/losses.js'
import { checkValues, checkWeights } from '../train/numbers.js'
import type { TrainProgress } from '../train/progress.js'
import { checkTargets } from '../train/samples.js'
import { startTraining } from '../train/train.js'
import { roundBiases, shareBiases } from './biases.js'
import { loosen, ownWeights, tie } from './loose.js'
import { type QuantizeBudget, quantizeOptions } from './options.js'
import type { MeasuredSharing, QuantizedNetwork, QuantizeEvent, QuantizeResult } from './progress.js'
import { roundWeights } from './rounding.js'
import { chosenBy, share, type ValuesByLayer } from './sharing.js'
import { networkSize } from './size.js'
import { type SharingPoint, sharingPoints, solveValues, VALUES_GRID } from './solve.js'

/** One number for all layers, or one by layer or kind of layer. */
export type ByLayer<Name extends string> =
  | number
  | { readonly [N in Name | 'conv' | 'fc']?: number | undefined }

/**
 * Options of `quantize()`: one of `values`, `bits` and `budget` says how many values weights share, or the `scheme` is
 * `'int8'`.
 */
export interface QuantizeOptions<Name extends string = string>
  extends Abortable,
    Omit<OptionsOf<typeof quantizeOptions>, 'values' | 'bits'> {
  /** How many values the weights of a layer share at most: one number, or one by layer or for all `fc` and `conv`. */
  readonly values?: ByLayer<Name> | undefined
  /** The same in bits: `bits: 5` is 32 values. */
  readonly bits?: ByLayer<Name> | undefined
}

type Read = ReadOf<typeof quantizeOptions>

/** The parts of a data set that quantization works on: it never sees the test set. */
export type QuantizingData = Pick<DataSplits, 'train' | 'validation'>

/**
 * Lets the weights of each layer share a few values, and trains these (Han, Mao and Dally 2016): kept weights are put
 * into clusters by k-means, each takes the mean of its cluster, and retraining moves all weights of a cluster as one.
 * Pruned weights stay +0. What each weight shares is saved with the network. With `{ scheme: 'int8' }` weights are rounded
 * to int8 instead, for ONNX. Awaited, it resolves when done; iterated, it yields each stage.
 *
 * @throws TorchPruneError synchronously, by the call itself and before there is a job: `ERR_ARGUMENT` or `ERR_SHAPE` for
 * wrong arguments, such as a layer that is not there. Whatever else goes wrong rejects the job: `ERR_ARGUMENT` for a
 * budget that cannot be met, naming the nearest that can; `ERR_SEAL` for a network that is spliced; and as `train()`.
 */
export function quantize<K extends LayerKinds>(
  network: AnyNetwork & { readonly kinds: K },
  data: QuantizingData,
  options: QuantizeOptions<PrunableName<K>>,
): Job<QuantizeEvent, QuantizeResult, TrainProgress>
export function quantize(
  network: AnyNetwork,
  data: QuantizingData,
  options: QuantizeOptions,
): Job<QuantizeEvent, QuantizeResult, TrainProgress> {
  networkKind.read(network, 'quantize: network')
  const parts = splitsKind('train', 'validation').read(data, 'quantize: data')
  const read = readOptions('quantize', quantizeOptions, options)
  const aim = checkQuantizing(network, read, parts)
  return networkJob(
    'quantize()',
    network,
    { datasets: [parts.train, parts.validation], teacher: read.retrain?.distillation?.teacher },
    (signal, report) =>
      stagesOf(network, parts, { ...read, signal, onProgress: telling(report, read.onProgress) }, aim),
    read.signal,
  )
}

type Aim = ValuesByLayer | QuantizeBudget | 'int8'
type AimOptions = Pick<
  QuantizeOptions,
  'scheme' | 'values' | 'bits' | 'budget' | 'retrain' | 'trains' | 'price'
>

function aimOf(network: AnyNetwork, { scheme, values, bits, budget, retrain }: AimOptions): Aim {
  const given = [values, bits, budget].filter((one) => one !== undefined)
  if (scheme === 'int8') {
    if (given.length === 0 && retrain === undefined) return scheme
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      "quantize: with scheme 'int8' weights share no values: leave values, bits, budget and retrain out",
    )
  }
  if (given.length !== 1) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      'quantize: say how many values weights share by one of values, bits and budget',
    )
  }
  if (budget !== undefined) return budget
  if (values !== undefined) return chosenBy(network, values, 'values')
  return new Map([...chosenBy(network, bits!, 'bits')].map(([layer, each]) => [layer, 2 ** each]))
}

/**
 * How many values weights share, or what is to be met. Throws for what can be known to be wrong before anything is done: of
 * the options, and of the data where it is there.
 */
export function checkQuantizing(network: AnyNetwork, options: AimOptions, data?: QuantizingData): Aim {
  const { retrain, trains, price } = options
  const aim = aimOf(network, options)
  if (price && !(retrain && trains === 'weights')) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      "quantize: a bit has a price while weights are trained: give retrain, and trains: 'weights', or leave price out",
    )
  }
  const sizes = retrain && checkSettings(network, retrain)
  if (retrain && data) checkTrainingSet(network, data.train, retrain, sizes)
  if (data) checkTargets(network, data.validation, retrain?.loss ?? DEFAULT_LOSS, 'the validation set')
  return aim
}

async function* stagesOf(
  network: AnyNetwork,
  data: QuantizingData,
  options: Read,
  aim: Aim,
): AsyncGenerator<QuantizeEvent, QuantizeResult, void> {
  const started = performance.now()
  const { retrain, trains, signal, seed = network.seed, onProgress } = options
  const { loss = DEFAULT_LOSS, autocast, distillation: lesson } = retrain ?? {}
  const judged = { loss, autocast, signal }
  const errorOf = async () => (await measure(network, data.validation, judged)).error
  refuseSpliced(network, 'the network is not quantized')
  await checkWeights(network, signal)
  await checkValues(data.train, 'the training set', signal)
  await checkValues(data.validation, 'the validation set', signal)
  if (lesson?.teacher) await checkTeacherValues(lesson.teacher, signal)
  const validationErrorBefore = await errorOf()
  // Asked before its weights share values.
  using teacher = lesson && (await logitsOf(lesson.teacher ?? network, data.train, { autocast, signal }))
  if (aim === 'int8') {
    await roundWeights(network, signal)
    const validationError = await errorOf()
    yield { stage: 'rounded', validationErrorBefore, validationError }
    return yield* endOf(network, data, options, judged, started, [validationErrorBefore, validationError])
  }
  const values = yield* valuesFor(network, data, options, judged, aim, validationErrorBefore)
  using loose = new HeldTensors()
  const own = trains === 'weights' && retrain ? await ownWeights(network, values, loose) : undefined
  await share(network, values, signal)
  const validationErrorClustered = await errorOf()
  yield {
    stage: 'clustered',
    values: Object.fromEntries(values),
    validationErrorBefore,
    validationError: validationErrorClustered,
  }
  if (retrain) {
    if (own) await loosen(network, own, options.price)
    try {
      const epochs = startTraining(network, data.train, {
        ...retrain,
        distillation: teacher && { ...lesson, teacher },
        validation: data.validation,
        seed,
        signal,
        onProgress,
      })
      for await (const epoch of epochs) yield { stage: 'epoch', ...epoch }
    } finally {
      if (own) await tie(network, [...own.keys()])
    }
    // Training may have moved one past another.
    await sortShared(network, values.keys())
  }
  return yield* endOf(network, data, options, judged, started, [
    validationErrorBefore,
    validationErrorClustered,
  ])
}

/** How many values layers are to share: finds the numbers that meet a budget. */
async function* valuesFor(
  network: AnyNetwork,
  data: QuantizingData,
  { biases, biasValues, signal }: Read,
  judged: Parameters<typeof sharingPoints>[2],
  aim: ValuesByLayer | QuantizeBudget,
  validationErrorBefore: number,
): AsyncGenerator<MeasuredSharing, ValuesByLayer, void> {
  if (!('bytes' in aim || 'error' in aim)) return aim
  const points: SharingPoint[] = []
  const total = network.prunable.length * VALUES_GRID.length
  for await (const point of sharingPoints(network, data.validation, judged)) {
    points.push(point)
    yield { stage: 'measured', ...point, done: points.length, total }
  }
  const { otherBytes } = await networkSize(network, { biases, biasValues, signal })
  return solveValues(points, validationErrorBefore, otherBytes, aim)
}

/** Rounds biases, and says what came of it all. */
async function* endOf(
  network: AnyNetwork,
  data: QuantizingData,
  { biases, biasValues, signal }: Read,
  judged: Parameters<typeof measure>[2],
  started: number,
  [validationErrorBefore, validationErrorClustered]: readonly [before: number, clustered: number],
): AsyncGenerator<QuantizedNetwork, QuantizeResult, void> {
  if (biasValues !== undefined) await shareBiases(network, biasValues, signal)
  if (biases === 'float16') await roundBiases(network, 'float16')
  const validation = await measure(network, data.validation, judged)
  const { layers, bytes } = await networkSize(network, { biases, biasValues, signal })
  const result: QuantizeResult = {
    ...{ validationErrorBefore, validationErrorClustered, validationError: validation.error, validation },
    ...{ layers, bytes, seconds: (performance.now() - started) / 1000 },
  }
  yield { stage: 'done', ...result }
  return result
}
