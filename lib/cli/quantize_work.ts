import { TorchPruneError } from '../base/errors.js'
import { computeInJobs } from '../binding/threads.js'
import { mnist } from '../data/mnist.js'
import type { DataSplits } from '../data/splits.js'
import { cosine } from '../optim/schedule.js'
import { adam } from '../optim/spec.js'
import type { QuantizeEvent, QuantizeResult } from '../quantize/progress.js'
import { type QuantizeOptions as LibraryOptions, quantize } from '../quantize/quantize.js'
import { readData } from '../recipes/data.js'
import { findRecipe } from '../recipes/registry.js'
import { formatCount, formatPercent } from '../report/format.js'
import { ownFile } from '../runs/own_folder.js'
import { evaluate } from '../train/evaluate.js'
import { type OpenOptions, openNetwork, refuseInput, refuseOtherEnding } from './network_file.js'
import { printJson } from './output.js'
import { type Reporter, reporterFor } from './progress.js'
import { clusteredText, roundedText } from './quantize_text.js'
import { sizeTable } from './size_table.js'
import { dashed } from './table_option.js'
import { shown } from './work.js'
import type { WorkOptions } from './work_options.js'

export interface QuantizeOptions extends OpenOptions, Omit<WorkOptions, 'out'> {
  readonly out: string
  readonly recipe?: string
  readonly scheme?: 'shared' | 'int8'
  readonly values?: number | Readonly<Record<string, number>>
  readonly bits?: number | Readonly<Record<string, number>>
  readonly budgetBytes?: number
  readonly budgetError?: number
  readonly epochs?: number
  readonly lr?: number
  readonly batchSize?: number
  readonly trains?: 'values' | 'weights'
  readonly price?: number
  readonly biasValues?: number
  readonly biases?: 'float32' | 'float16'
}

const DEFAULT_BITS = 5
const DEFAULT_EPOCHS = 10
const DEFAULT_RATE = 1e-3

/** What the command says as JSON. */
interface Quantized extends Omit<QuantizeResult, 'validation'> {
  readonly testErrorBefore: number
  readonly testError: number
}

/** Quantizes a file's network into another file. */
export async function quantizeFile(
  file: string,
  options: QuantizeOptions,
  signal: AbortSignal,
): Promise<void> {
  const { out, device, threads } = options
  refuseInput(out, file)
  refuseOtherEnding(out)
  const plan = planOf(options)
  await using _ = await ownFile(out)
  computeInJobs(threads)
  using network = await openNetwork(file, options)
  const data = await dataFor(options)
  if (device !== 'cpu') await network.to(device)
  using reporter = reporterFor(options)
  const { top1Error: testErrorBefore } = await evaluate(network, data.test, { signal })
  const job = quantize(network, data, { ...plan, signal })
  const { epochs = DEFAULT_EPOCHS } = options
  for await (const event of job) tell(event, reporter, epochs)
  const { validation: __, ...result } = await job
  const { top1Error: testError } = await evaluate(network, data.test, { signal })
  await network.save(out)
  const found = { ...result, testErrorBefore, testError }
  if (options.json) printJson({ kind: 'quantize', file: out, ...found })
  else reporter.line(`\n${quantizedText(found, options)}`)
}

async function dataFor({ recipe, data }: QuantizeOptions): Promise<DataSplits> {
  return recipe === undefined ? mnist(data) : readData((await findRecipe(recipe)).data, data)
}

function planOf(options: QuantizeOptions): LibraryOptions {
  if (options.scheme === 'int8') return roundingOf(options)
  const { values, bits, budgetBytes, budgetError, batchSize, seed, memoryFormat, autocast } = options
  const { trains, price, biasValues, biases } = options
  const { epochs = DEFAULT_EPOCHS, lr = DEFAULT_RATE } = options
  const aim = {
    ...(values !== undefined && { values }),
    ...(bits !== undefined && { bits }),
    ...(budgetBytes !== undefined && { budget: { bytes: budgetBytes } }),
    ...(budgetError !== undefined && { budget: { error: budgetError } }),
  }
  // The network as it came teaches the values that take the place of its weights.
  const teaching = { schedule: cosine(), distillation: {} }
  const retrain = { epochs, optimizer: adam({ lr }), ...teaching, batchSize, memoryFormat, autocast }
  return {
    ...(Object.keys(aim).length === 0 ? { bits: DEFAULT_BITS } : aim),
    ...(epochs > 0 && { retrain }),
    ...{ trains, price, biasValues, biases, seed },
  }
}

/** Rounds weights to int8: nothing is shared or trained. */
function roundingOf({ scheme, biases, seed, ...options }: QuantizeOptions): LibraryOptions {
  const { values, bits, budgetBytes, budgetError, epochs, lr, batchSize, trains, price, biasValues } = options
  const others = { values, bits, budgetBytes, budgetError, epochs, lr, batchSize, price, trains, biasValues }
  const given = Object.entries(others).find(([, value]) => value !== undefined)
  if (given === undefined) return { scheme, biases, seed }
  const option = `--${dashed(given[0])}`
  throw new TorchPruneError('ERR_ARGUMENT', `${option} is for --scheme shared, not int8: leave it out`)
}

function tell(event: QuantizeEvent, reporter: Reporter, retrained: number): void {
  switch (event.stage) {
    case 'measured': {
      const { layer, values, error, done, total } = event
      if (done === 1) reporter.start('measure', total, 'points')
      reporter.update(done, { layer, values: String(values), error: formatPercent(error) })
      if (done === total) reporter.stop()
      return
    }
    case 'clustered':
      reporter.line(clusteredText(event))
      if (retrained > 0) reporter.start('retrain', retrained, 'epochs')
      return
    case 'rounded':
      reporter.line(roundedText(event))
      return
    case 'epoch': {
      const { epoch, epochs, loss, validationError } = event
      reporter.update(epoch, { loss: loss.toFixed(4), error: formatPercent(validationError!) })
      if (epoch === epochs) reporter.stop()
    }
  }
}

function quantizedText(result: Quantized, { out, scheme }: QuantizeOptions): string {
  const { layers, bytes, validationErrorBefore, validationErrorClustered, validationError } = result
  const dense = layers.reduce((sum, { weights }) => sum + 4 * weights, 0)
  const percent = (errors: readonly number[]) => errors.map((error) => formatPercent(error)).join(' → ')
  const [errors, stages] =
    scheme === 'int8'
      ? [[validationErrorBefore, validationError], 'as it came, rounded']
      : [[validationErrorBefore, validationErrorClustered, validationError], 'as it came, clustered, trained']
  return [
    sizeTable(layers),
    '',
    `${formatCount(Math.ceil(bytes))} bytes with biases, by entropy: ${(dense / bytes).toFixed(1)}× less than the dense weights`,
    `validation error ${percent(errors)}, ${stages}`,
    `test error ${percent([result.testErrorBefore, result.testError])}`,
    `The network is in ${shown(out)}`,
  ].join('\n')
}
