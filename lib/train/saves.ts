import type { TrainingCheckpoint, TrainingState } from './checkpoint.js'
import type { TrainPosition } from './progress.js'

/** A file that is being written while training goes on. */
interface Writing {
  readonly position: TrainPosition
  /** Resolves when it is written, or could not be. */
  readonly over: Promise<void>
  isOver: boolean
  failure?: { readonly error: unknown }
}

/** When a training's state is saved, and what was saved last. */
export class Saves {
  readonly #checkpoint: TrainingCheckpoint
  readonly #pause: () => void
  /** What the file holds, or what needs none: the beginning. */
  #kept: TrainPosition
  #writing: Writing | undefined

  /** @param pause has training stop after its step */
  constructor(checkpoint: TrainingCheckpoint, kept: TrainPosition, pause: () => void) {
    this.#checkpoint = checkpoint
    this.#kept = kept
    this.#pause = pause
  }

  /** Seconds until it is time to save; undefined for never. */
  get pauseAfter(): number | undefined {
    return this.#checkpoint.pauseAfter
  }

  /** Training went on from this position of the file. */
  loaded(position: TrainPosition): void {
    this.#kept = position
  }

  /** Training stands between two steps, since it is time to save, or since what was being written is there. */
  async atPause(state: TrainingState): Promise<void> {
    const isOver = this.#writing?.isOver
    await this.#settle()
    if (isOver && this.pauseAfter !== 0) return
    if (this.#checkpoint.background(state)) await this.#begin(state)
    else await this.#save(state, false)
  }

  /** Training is at its end, or was aborted: saves the state, unless that is done. A full disk only fails it `atAllCosts`. */
  async atEnd(state: TrainingState, atAllCosts: boolean): Promise<void> {
    await this.#settle()
    await this.#save(state, atAllCosts)
  }

  /** Waits for what is being written, whatever comes of it. */
  async idle(): Promise<void> {
    await this.#writing?.over
    this.#writing = undefined
  }

  #holds({ epoch, steps }: TrainPosition): boolean {
    return epoch === this.#kept.epoch && steps === this.#kept.steps
  }

  async #save(state: TrainingState, atAllCosts: boolean): Promise<void> {
    if (this.#holds(state.position)) return
    try {
      using taken = await this.#checkpoint.take(state)
      await this.#checkpoint.write(taken)
    } catch (error) {
      if (atAllCosts) throw error
      return this.#checkpoint.failed(error)
    }
    this.#kept = state.position
    await this.#checkpoint.told(state.position)
  }

  async #begin(state: TrainingState): Promise<void> {
    if (this.#holds(state.position)) return
    const taken = await this.#checkpoint.take(state)
    const write = async () => {
      using file = taken
      try {
        await this.#checkpoint.write(file)
      } catch (error) {
        writing.failure = { error }
      }
      writing.isOver = true
      this.#pause()
    }
    const writing: Writing = { position: state.position, isOver: false, over: write() }
    this.#writing = writing
  }

  /** Waits for what is being written, and says what came of it. */
  async #settle(): Promise<void> {
    const writing = this.#writing
    await this.idle()
    if (writing === undefined) return
    if (writing.failure) return this.#checkpoint.failed(writing.failure.error)
    this.#kept = writing.position
    await this.#checkpoint.told(writing.position)
  }
}
