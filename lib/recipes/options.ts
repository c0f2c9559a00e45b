import { abortOptions } from '../base/abort.js'
import { isObject } from '../base/collection.js'
import { boolean, kind, number, path, seed, text, whole } from '../base/kind.js'
import { group, leftOpen, optional } from '../base/option.js'
import { processGroupKind } from '../distributed/process_group.js'
import { codedOptions } from '../nn/export_coded.js'
import { weightsOptions } from '../nn/zeros.js'
import { optimizerKind } from '../optim/spec.js'
import { pruneOptions } from '../prune/options.js'
import { quantizeOptions, sharingOptions } from '../quantize/options.js'
import { paperKind } from '../runs/paper.js'
import { deviceKind } from '../tensor/device.js'
import { crossEntropyKind, DEFAULT_LOSS } from '../train/losses.js'
import { retrainOptions, settingsOptions } from '../train/options.js'
import { dataKind } from './data.js'
import { modelKind } from './model.js'

const NAME = /^\w[\w.-]{0,99}$/

const { epochs, optimizer, ...settings } = settingsOptions

export const lossOptions = {
  /**
   * The loss that is minimized. It must be a loss of classes, because runs report errors of classes.
   * @default losses.crossEntropy()
   */
  loss: optional(crossEntropyKind, DEFAULT_LOSS),
}

const training = { ...settings, ...lossOptions }
const { cachePrefix: _, cacheVariants: __, cacheMemory: ___, cacheDir: ____, ...denseTraining } = training

export const denseOptions = { epochs, optimizer, ...denseTraining }

export const retrainPlanOptions = {
  epochs,
  /**
   * The optimizer, which changes the weights at each step.
   * @default the dense plan's optimizer
   */
  optimizer: optional(optimizerKind),
  /**
   * A factor of the optimizer's learning rate.
   * @default 0.1 for the dense plan's optimizer, 1 for another one
   */
  lrFactor: optional(number({ over: 0 })),
  // These default to the settings of the dense training, not to the tables' defaults.
  ...leftOpen(training),
  distillation: retrainOptions.distillation,
}

const { optimizer: ownOptimizer, lrFactor: _____, ...retrainPlan } = retrainPlanOptions

export const sharedRetrainPlanOptions = {
  ...retrainPlan,
  /**
   * What changes the shared values at each step.
   * @default that of the survivors
   */
  optimizer: ownOptimizer,
  /**
   * Scales the optimizer's learning rate. A shared value's gradient is the sum of its weights'.
   * @default for the survivors' optimizer 0.01, or 0.1 where weights are trained; 1 for one of its own
   */
  lrFactor: optional(number({ over: 0 })),
}

export const quantizePlanOptions = {
  scheme: quantizeOptions.scheme,
  ...sharingOptions,
  trains: quantizeOptions.trains,
  price: quantizeOptions.price,
  biasValues: quantizeOptions.biasValues,
  biases: quantizeOptions.biases,
  /**
   * How the shared values are trained: as survivors were, where nothing else is said.
   * @default not at all
   */
  retrain: optional(group(sharedRetrainPlanOptions)),
}

const { criterion, rounds, densitySchedule, phases, adjustDropout } = pruneOptions
export const prunePlanOptions = {
  criterion,
  rounds,
  densitySchedule,
  phases,
  adjustDropout,
  /** How kept weights are retrained. Settings that are left out are those of the dense training. */
  retrain: group(retrainPlanOptions),
}

export const recipeOptions = {
  /** The recipe's name, of letters, digits, dots and dashes, which also names the folders of its runs. */
  name: kind<string>(
    'letters, digits, dots and dashes, for it names a folder',
    (value) => typeof value === 'string' && NAME.test(value),
    'ERR_ARGUMENT',
    { type: 'string', pattern: NAME.source },
  ),
  /** The network: the name of a model, with or without options, or a graph of layers. */
  model: modelKind,
  /** The name of the data set, with or without options. Its folder or file is given when the recipe is run. */
  data: dataKind,
  /** How the dense network is trained. */
  dense: group(denseOptions),
  /** How it is pruned and retrained. */
  prune: group(prunePlanOptions),
  /**
   * How the weights of the pruned network share values.
   * @default not at all
   */
  quantize: optional(group(quantizePlanOptions)),
  /**
   * How the result is stored in a coded file, `model.tpz`; `{}` is enough.
   * @default it is not
   */
  code: optional(group(codedOptions)),
  /** The results that a paper reports, for comparison. Errors are in percent. */
  paper: optional(paperKind),
}

/** A recipe as an argument. */
export const recipeKind = group(recipeOptions)

const tells = kind<object>('an object of functions', isObject)

export const sessionOptions = {
  /**
   * The folder or file of the data.
   * @default the data set's own place, if it has one
   */
  data: optional(path),
  /**
   * The folder of the run.
   * @default runs/<recipe>-<seed>
   */
  out: optional(path),
  /**
   * The seed of weights, of the order of samples, and of dropout.
   * @default 0
   */
  seed: optional(seed),
  /**
   * The device that computes.
   * @default 'cpu'
   */
  device: optional(deviceKind),
  threads: optional(whole(1)),
  /**
   * The time between two saves of training, in minutes. Training is also saved when it is aborted.
   * @default 10
   */
  checkpointMinutes: optional(number({ least: 0 })),
  /** The command that repeats the run, for its log. */
  command: optional(text),
  /**
   * Whether to continue an unfinished run in the folder from where it was saved.
   * @default false
   */
  resume: optional(boolean),
  /**
   * Whether to replace another run in the folder, once this one is done.
   * @default false
   */
  overwrite: optional(boolean),
  /**
   * The processes that run the recipe together, as in `train()`. The first one works in the folder, and the others in
   * temporary ones.
   * @default this process runs it on its own
   */
  group: optional(processGroupKind),
  ...abortOptions,
}

export const runOptions = {
  ...sessionOptions,
  /**
   * The file of a dense network to start from.
   * @default none: the recipe trains it
   */
  weights: optional(path),
  ...weightsOptions,
  /** Functions that are called as the run proceeds. */
  on: optional(tells),
}
