import type { TorchPruneError } from '../../base/errors.js'
import { boolean, callback, type Kind, number, path } from '../../base/kind.js'
import { group, type OptionsOf, optional, type ReadOf } from '../../base/option.js'
import type { TrainPosition } from '../progress.js'

const checkpointOptions = {
  /**
   * The file: a network file that also has the optimizer's moments, averages and random numbers. If it exists, training
   * continues from it, provided that the data, masks and settings are the same. If that training was finished, it ends
   * at once, or continues to more `epochs` if the schedule does not depend on their number. Remove the file to start
   * over.
   */
  path,
  /**
   * The time between two saves, in minutes. Each is made at the end of a step.
   * @default training is saved only when it is aborted, and at its end
   */
  minutes: optional(number({ least: 0 })),
  /**
   * Whether training goes on while the file is written, which takes memory for another copy of weights and moments. At its
   * end, and when it is aborted, training waits for the file.
   * @default on a GPU
   */
  background: optional(boolean),
  /** Awaited after each save, between two steps, with the position that was saved. */
  onSaved: optional(callback<(position: TrainPosition) => unknown>()),
  /**
   * Awaited each time that the file cannot be written because the disk is full. Training continues, the previous file
   * stays, and the next save tries again. If the disk is full when training is aborted, training fails instead.
   * @default a process warning, once
   */
  onFailed: optional(callback<(error: TorchPruneError) => unknown>()),
}

/** Where training saves its whole state, so that it can continue from there, bit for bit. */
export interface CheckpointOptions extends OptionsOf<typeof checkpointOptions> {}

export const checkpointKind: Kind<ReadOf<typeof checkpointOptions>, CheckpointOptions> = group(
  checkpointOptions,
)
