import type { TorchPruneError } from '../../base/errors.js'
import { callback, type Kind, number, path } from '../../base/kind.js'
import { group, type OptionsOf, optional, type ReadOf } from '../../base/option.js'
import type { TrainPosition } from '../progress.js'

const checkpointOptions = {
  /**
   * The file: a network file with the optimizer's moments, averages and random numbers beside the weights. Where it
   * exists, training goes on from it, if data, masks and settings are the same. One that was trained to its end ends at
   * once, or goes on to more `epochs` where the schedule does not depend on their number. Remove it to begin again.
   */
  path,
  /**
   * Saves this often, after the step it is in.
   * @default only when it is aborted, and at its end
   */
  minutes: optional(number({ least: 0 })),
  /** Awaited after each saving. */
  onSaved: optional(callback<(position: TrainPosition) => unknown>()),
  /**
   * Awaited each time the file could not be written because the disk is full. Training goes on, the file that was saved
   * before stays, and it is tried again the next time; what cannot be saved when training is aborted fails it instead.
   * @default a warning of the process, once
   */
  onFailed: optional(callback<(error: TorchPruneError) => unknown>()),
}

/** Where training keeps all that it stands at, to go on from there bit for bit. */
export interface CheckpointOptions extends OptionsOf<typeof checkpointOptions> {}

export const checkpointKind: Kind<ReadOf<typeof checkpointOptions>, CheckpointOptions> = group(
  checkpointOptions,
)
