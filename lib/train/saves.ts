import type { TakenNetwork } from '../nn/weights_file.js'
import type { TrainingCheckpoint } from './checkpoint.js'
import type { TrainPosition } from './progress.js'
import type { TrainingState } from './training_file.js'

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
  /** Whether somebody waits for what is being written, and training stands. */
  #awaited = false

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

  /** Training stands between two steps: tells of what is written by now, and saves the state if it is time. */
  async atPause(state: TrainingState): Promise<void> {
    const isDue = this.pauseAfter === 0
    if (!isDue && !this.#writing?.isOver) return
    await this.settle()
    if (isDue) await this.#save(state, { background: true })
  }

  /** Training is at its end, or was aborted: saves the state, unless that is done. A full disk only fails it `atAllCosts`. */
  async atEnd(state: TrainingState, atAllCosts: boolean): Promise<void> {
    if (!atAllCosts) {
      await this.settle()
      return this.#save(state)
    }
    try {
      await this.settle()
    } finally {
      await this.#save(state, { atAllCosts })
    }
  }

  /** Waits for what is being written, and tells what came of it. */
  async settle(): Promise<void> {
    const writing = this.#writing
    if (writing === undefined) return
    this.#awaited = true
    await writing.over
    this.#awaited = false
    this.#writing = undefined
    if (writing.failure) return this.#checkpoint.failed(writing.failure.error)
    this.#kept = writing.position
    await this.#checkpoint.told(writing.position)
  }

  async #save(
    state: TrainingState,
    { background = false, atAllCosts = false }: { background?: boolean; atAllCosts?: boolean } = {},
  ): Promise<void> {
    const { position } = state
    if (position.epoch === this.#kept.epoch && position.steps === this.#kept.steps) return
    const taken = await this.#checkpoint.take(state)
    if (background && this.#checkpoint.inBackground(taken, state)) {
      const writing: Writing = { position, isOver: false, over: this.#write(taken, () => writing) }
      this.#writing = writing
      return
    }
    try {
      using file = taken
      await this.#checkpoint.write(file)
    } catch (error) {
      if (atAllCosts) throw error
      return this.#checkpoint.failed(error)
    }
    this.#kept = position
    await this.#checkpoint.told(position)
  }

  async #write(taken: TakenNetwork, writing: () => Writing): Promise<void> {
    try {
      using file = taken
      await this.#checkpoint.write(file)
    } catch (error) {
      writing().failure = { error }
    }
    writing().isOver = true
    // So that it is told of.
    if (!this.#awaited) this.#pause()
  }
}
