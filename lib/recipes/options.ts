import { abortOptions } from '../base/abort.js'
import { isObject } from '../base/collection.js'
import { boolean, callback, kind, number, path, seed, whole } from '../base/kind.js'
import { group, optional, readOptions } from '../base/option.js'
import { weightsOptions } from '../nn/zeros.js'
import { optimizerKind } from '../optim/spec.js'
import { pruneOptions } from '../prune/options.js'
import { deviceKind } from '../tensor/device.js'
import { cacheOptions, retrainOptions, settingsOptions } from '../train/options.js'

const { criterion, rounds, densitySchedule, phases, adjustDropout } = pruneOptions
const notOfDense = Object.keys(cacheOptions)
const denseOptions = Object.fromEntries(
  Object.entries(settingsOptions).filter(([name]) => !notOfDense.includes(name)),
)

const recipeOptions = {
  name: kind<string>(
    'letters, digits, dots and dashes, for it names a folder',
    (value) => typeof value === 'string' && /^\w[\w.-]{0,99}$/.test(value),
  ),
  model: callback<() => unknown>(),
  data: callback<() => unknown>(),
  dense: group(denseOptions),
  prune: group({
    criterion,
    rounds,
    densitySchedule,
    phases,
    adjustDropout,
    retrain: group({
      ...retrainOptions,
      optimizer: optional(optimizerKind),
      lrFactor: optional(number({ over: 0 })),
    }),
  }),
  paper: optional(kind<object>('an object, the table of a paper', isObject)),
}

/** Throws `ERR_ARGUMENT` naming each field of a recipe that is unknown, missing or wrong. */
export function checkRecipe(caller: string, recipe: unknown): void {
  readOptions(caller, { recipe: group(recipeOptions) }, { recipe })
}

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
