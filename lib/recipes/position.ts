import { TorchPruneError } from '../base/errors.js'
import { isFullDisk } from '../base/files.js'
import { Checkpoint, isPruning, type RunState } from '../runs/checkpoint.js'
import type { NewRunEvent } from '../runs/events.js'
import { warnOfFullDisk } from '../train/checkpoint.js'
import type { CheckpointOptions } from '../train/options/checkpoint.js'
import type { Epoch } from '../train/training.js'
import type { Session } from './session.js'

/** Adds an event to the log of a run. */
export type Note = (event: NewRunEvent) => Promise<void>

/** Adds an epoch of a round to the log, or of what came before or after the rounds. */
export function noteEpoch(
  note: Note,
  { round, phase }: { readonly round: number; readonly phase?: string | undefined },
  epoch: Epoch,
): Promise<void> {
  const { lr: learningRate, trainError: _, samplesPerSecond: __, validation: ___, ...event } = epoch
  return note({ event: 'epoch', round, phase, learningRate, ...event })
}

/** How a run saves its training: the state of training, and with it the state of the run, `state()`. */
export function savedWithin(
  { folder, recipe, checkpointMinutes: minutes, signal, on }: Session,
  state: () => RunState,
  note: Note,
): CheckpointOptions {
  const checkpoint = new Checkpoint(folder)
  const path = checkpoint.position
  let failed = false
  const onFailed = (error: TorchPruneError) => {
    if (failed) return
    failed = true
    if (on.checkpointFailed) on.checkpointFailed(error)
    else warnOfFullDisk(error)
  }
  return {
    path,
    minutes,
    async onSaved(position) {
      const now = state()
      const [round, epochs] = isPruning(now)
        ? [now.rounds.length + 1, recipe.prune.retrain.epochs]
        : [0, recipe.dense.epochs]
      const epoch = Math.min(position.epoch, epochs)
      try {
        await checkpoint.write({ ...now, within: { round, epoch } })
      } catch (error) {
        if (signal?.aborted || !(error instanceof TorchPruneError && isFullDisk(error))) throw error
        onFailed(error)
        return
      }
      // The end of training has its own events.
      if (position.epoch > epochs) return
      await note({ event: 'checkpoint', round, path })
      on.saved?.({ round, epoch })
    },
    onFailed,
  }
}
