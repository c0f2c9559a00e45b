import { messageOf } from '../base/errors.js'
import type { SkippedSample } from '../data/dataset.js'
import { zerosHint } from '../nn/zeros.js'
import type { RunListener } from '../recipes/session.js'
import { formatCount, formatPercent, formatRatio, formatSeconds } from '../report/format.js'
import type { TrainProgress } from '../train/progress.js'
import type { Epoch } from '../train/training.js'
import type { Reporter } from './progress.js'
import { clusteredText, quantizedSummary } from './quantize_text.js'

/** Follows a run on a reporter: a bar of epochs for the dense training, and one for each round. */
export function followRun(reporter: Reporter): RunListener {
  const bar = new EpochBar(reporter)
  return {
    ...tellTroubles(reporter),
    loaded(layers) {
      const hint = zerosHint(layers, 'add --mask zeros')
      if (hint) reporter.line(hint)
    },
    denseProgress(progress) {
      bar.within('dense', '', progress)
    },
    denseEpoch(epoch) {
      bar.epochDone('dense', '', epoch)
    },
    referenceReady(validationError) {
      const summary = `validation error ${formatPercent(validationError)}`
      if (bar.task === 'dense') bar.end(summary)
      else reporter.line(`dense  ${summary}`)
    },
    pruneProgress(progress) {
      bar.within(roundName(progress), phaseName(progress), progress)
    },
    retrainEpoch(epoch) {
      bar.epochDone(roundName(epoch), phaseName(epoch), epoch)
    },
    round({ density, compression, validationErrorBefore, validationError }) {
      const errors = `${formatPercent(validationErrorBefore)} → ${formatPercent(validationError)}`
      bar.end(
        `kept ${formatPercent(100 * density, 1)}  ${formatRatio(compression)}  validation error ${errors}`,
      )
    },
    quantizeProgress(progress) {
      bar.within('quantize', '', progress)
    },
    quantized(event) {
      if (event.stage === 'epoch') bar.epochDone('quantize', '', event)
      else if (event.stage === 'clustered') reporter.line(clusteredText(event))
      else if (event.stage === 'done') bar.end(quantizedSummary(event))
    },
    testing(done, total) {
      bar.begin('test', '', total, 'networks')
      reporter.update(done)
      if (done === total) reporter.stop()
    },
  }
}

/** The bar of the training that is in progress. */
class EpochBar {
  /** The training that the bar is for; empty if there is none. */
  task = ''
  readonly #reporter: Reporter
  #fields: Record<string, string> = {}
  #started = 0

  constructor(reporter: Reporter) {
    this.#reporter = reporter
  }

  /** Starts the bar, unless it is the one that is shown. */
  begin(name: string, part: string, total: number, unit: string, first = 0): void {
    if (this.task === name + part) return
    this.task = name + part
    this.#started = performance.now()
    this.#fields = part ? { phase: part } : {}
    this.#reporter.start(name, total, unit, first)
  }

  within(name: string, part: string, { epoch, epochs, done, total, loss }: TrainProgress): void {
    // A resumed run begins anywhere, and is timed from there.
    this.begin(name, part, epochs, 'epochs', epoch - 1 + (done < total ? done / total : 0))
    this.#fields = { ...this.#fields, loss: loss.toFixed(4) }
    // The bar reaches the end of the epoch in epochDone(), which has more to show.
    this.#reporter.update(epoch - 1 + Math.min(done / total, 0.99), this.#fields)
  }

  epochDone(name: string, part: string, epoch: Epoch): void {
    this.begin(name, part, epoch.epochs, 'epochs', epoch.epoch - 1)
    this.#fields = {
      ...this.#fields,
      loss: epoch.loss.toFixed(4),
      ...(epoch.validationError !== undefined && { error: formatPercent(epoch.validationError) }),
      rate: `${formatCount(epoch.samplesPerSecond)} images/s`,
    }
    this.#reporter.update(epoch.epoch, this.#fields)
  }

  end(summary: string): void {
    const seconds = (performance.now() - this.#started) / 1000
    this.#reporter.stop(`${summary}  in ${formatSeconds(seconds)}`)
    this.task = ''
  }
}

/** Tells what went wrong while the run went on. */
function tellTroubles(
  reporter: Reporter,
): Pick<RunListener, 'skipped' | 'logFailed' | 'checkpointFailed' | 'positionLost' | 'reportFailed'> {
  return {
    skipped(samples) {
      const [{ reason }] = samples as readonly [SkippedSample]
      const count = samples.length === 1 ? '1 sample' : `${samples.length} samples`
      reporter.line(`${count} could not be read and were left out, the first: ${reason}`)
    },
    logFailed(error) {
      reporter.line(`The log is not whole, and the run goes on (${messageOf(error)})`)
    },
    checkpointFailed(error) {
      reporter.line(`Training goes on without a new checkpoint, and tries again later (${messageOf(error)})`)
    },
    positionLost(error) {
      reporter.line(`Going on from what was saved before (${messageOf(error)})`)
    },
    reportFailed(error) {
      reporter.line(
        `The report could not be written (${messageOf(error)}): write it again with torch-prune report`,
      )
    },
  }
}

const roundName = ({ round, rounds }: { round: number; rounds: number }) => `round ${round}/${rounds}`
const phaseName = ({ phase }: { phase: string }) => (phase === 'all' ? '' : phase)
