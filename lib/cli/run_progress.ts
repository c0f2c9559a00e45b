import type { SkippedSample } from '../data/dataset.js'
import { zerosHint } from '../nn/zeros.js'
import type { RunListener } from '../recipes/session.js'
import { formatCount, formatPercent, formatRatio, formatSeconds } from '../report/format.js'
import type { TrainProgress } from '../train/progress.js'
import type { Epoch } from '../train/training.js'
import type { Reporter } from './progress.js'

/** Follows a run on a reporter: a bar of epochs for the dense training, and one for each round. */
export function followRun(reporter: Reporter): RunListener {
  let task = ''
  let fields: Record<string, string> = {}
  let started = 0
  const begin = (name: string, part: string, total: number, unit: string, first = 0) => {
    if (task === name + part) return
    task = name + part
    started = performance.now()
    fields = part ? { phase: part } : {}
    reporter.start(name, total, unit, first)
  }
  const within = (name: string, part: string, { epoch, epochs, done, total, loss }: TrainProgress) => {
    // A run that goes on begins anywhere, and is timed from there.
    begin(name, part, epochs, 'epochs', epoch - 1 + (done < total ? done / total : 0))
    fields = { ...fields, loss: loss.toFixed(4) }
    // The end of an epoch has more to tell, so that it is left to that.
    reporter.update(epoch - 1 + Math.min(done / total, 0.99), fields)
  }
  const epochDone = (
    name: string,
    part: string,
    { epoch, epochs, loss, validationError, samplesPerSecond }: Epoch,
  ) => {
    begin(name, part, epochs, 'epochs', epoch - 1)
    fields = {
      ...fields,
      loss: loss.toFixed(4),
      ...(validationError !== undefined && { error: formatPercent(validationError) }),
      rate: `${formatCount(samplesPerSecond)} images/s`,
    }
    reporter.update(epoch, fields)
  }
  const end = (summary: string) => {
    const seconds = (performance.now() - started) / 1000
    reporter.stop(`${summary}  in ${formatSeconds(seconds)}`)
    task = ''
  }
  const roundName = ({ round, rounds }: { round: number; rounds: number }) => `round ${round}/${rounds}`
  const phaseName = ({ phase }: { phase: string }) => (phase === 'all' ? '' : phase)

  return {
    loaded(layers) {
      const hint = zerosHint(layers, 'add --mask zeros')
      if (hint) reporter.line(hint)
    },
    denseProgress(progress) {
      within('dense', '', progress)
    },
    denseEpoch(epoch) {
      epochDone('dense', '', epoch)
    },
    referenceReady(validationError) {
      const summary = `validation error ${formatPercent(validationError)}`
      if (task === 'dense') end(summary)
      else reporter.line(`dense  ${summary}`)
    },
    pruneProgress(progress) {
      within(roundName(progress), phaseName(progress), progress)
    },
    retrainEpoch(epoch) {
      epochDone(roundName(epoch), phaseName(epoch), epoch)
    },
    round({ density, compression, validationErrorBefore, validationError }) {
      const errors = `${formatPercent(validationErrorBefore)} → ${formatPercent(validationError)}`
      end(`kept ${formatPercent(100 * density, 1)}  ${formatRatio(compression)}  validation error ${errors}`)
    },
    testing(done, total) {
      begin('test', '', total, 'networks')
      reporter.update(done)
      if (done === total) reporter.stop()
    },
    skipped(samples) {
      const [{ reason }] = samples as readonly [SkippedSample]
      const count = samples.length === 1 ? '1 sample' : `${samples.length} samples`
      reporter.line(`${count} could not be read and had no part in this, the first: ${reason}`)
    },
    logFailed(error) {
      reporter.line(
        `The log is not whole, and the run goes on (${error instanceof Error ? error.message : error})`,
      )
    },
    checkpointFailed(error) {
      const why = error instanceof Error ? error.message : String(error)
      reporter.line(`Training goes on without a new checkpoint, and tries again later (${why})`)
    },
    positionLost(error) {
      reporter.line(`Going on from what was saved before (${error instanceof Error ? error.message : error})`)
    },
    reportFailed(error) {
      const why = error instanceof Error ? error.message : String(error)
      reporter.line(`The report could not be written (${why}): write it again with torch-prune report`)
    },
  }
}
