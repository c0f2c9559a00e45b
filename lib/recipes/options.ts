import { abortOptions } from '../base/abort.js'
import { isObject } from '../base/collection.js'
import { boolean, kind, number, path, seed, whole } from '../base/kind.js'
import { group, leftOpen, optional } from '../base/option.js'
import { weightsOptions } from '../nn/zeros.js'
import { optimizerKind } from '../optim/spec.js'
import { pruneOptions } from '../prune/options.js'
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
   * What is made small. Of classes: a run's record and report are of their errors.
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
   * What changes the weights at each step.
   * @default the dense plan's
   */
  optimizer: optional(optimizerKind),
  /**
   * Scales the optimizer's learning rate.
   * @default 0.1 for the dense plan's optimizer, 1 for one of its own
   */
  lrFactor: optional(number({ over: 0 })),
  // What is left out is as in the dense training, not a default.
  ...leftOpen(training),
  distillation: retrainOptions.distillation,
}

const { criterion, rounds, densitySchedule, phases, adjustDropout } = pruneOptions
export const prunePlanOptions = {
  criterion,
  rounds,
  densitySchedule,
  phases,
  adjustDropout,
  /** How survivors are retrained: as the dense network was trained, where nothing else is said. */
  retrain: group(retrainPlanOptions),
}

export const recipeOptions = {
  /** Letters, digits, dots and dashes: it names the folder of a run. */
  name: kind<string>(
    'letters, digits, dots and dashes, for it names a folder',
    (value) => typeof value === 'string' && NAME.test(value),
    'ERR_ARGUMENT',
    { type: 'string', pattern: NAME.source },
  ),
  /** The network: the name of a model, with options or without, or a graph of layers. */
  model: modelKind,
  /** The data set, by name, with options or without. The folder or file that holds it is named when it is run. */
  data: dataKind,
  /** How the dense network is trained. */
  dense: group(denseOptions),
  /** How it is pruned and retrained. */
  prune: group(prunePlanOptions),
  /** What a paper reports of the network, to compare with. Errors are percent. */
  paper: optional(paperKind),
}

/** A recipe as an argument. */
export const recipeKind = group(recipeOptions)

const tells = kind<object>('an object of functions', isObject)

export const sessionOptions = {
  /**
   * Where the data is.
   * @default the data set's own place; some say what they need
   */
  data: optional(path),
  /**
   * The run's folder.
   * @default runs/<recipe>-<seed>
   */
  out: optional(path),
  /** @default 0 */
  seed: optional(seed),
  /** @default 'cpu' */
  device: optional(deviceKind),
  threads: optional(whole(1)),
  /**
   * Saves where training stands this often; when aborted, it is saved in any case.
   * @default 10
   */
  checkpointMinutes: optional(number({ least: 0 })),
  /**
   * Goes on where an unfinished run in the folder was saved.
   * @default false
   */
  resume: optional(boolean),
  /**
   * Another run in the folder is replaced, once this one is done.
   * @default false
   */
  overwrite: optional(boolean),
  ...abortOptions,
}

export const runOptions = {
  ...sessionOptions,
  /**
   * A dense network's file to start from.
   * @default none: it is trained by the recipe
   */
  weights: optional(path),
  ...weightsOptions,
  /** Told what the run does. */
  on: optional(tells),
}
