import { type Job, telling } from '../base/job.js'
import { readOptions } from '../base/option.js'
import { splitsKind } from '../data/splits.js'
import { type AnyNetwork, networkKind } from '../nn/any_network.js'
import type { LayerKinds, PrunableName } from '../nn/graph.js'
import { checkSettings, checkTrainingSet } from '../train/check.js'
import { networkJob } from '../train/lease.js'
import { DEFAULT_LOSS } from '../train/losses.js'
import { checkTargets } from '../train/samples.js'
import { checkCriterion } from './criterion.js'
import { type PruneOptions, pruneOptions } from './options.js'
import { fixedIn, type Phase, phasesOf } from './phases.js'
import type { PruneProgress } from './progress.js'
import type { PruneResult, PruningData, Round } from './round.js'
import { Rounds, settingsOf } from './rounds.js'
import { checkPaces } from './schedule.js'

/**
 * Prunes and retrains a network in rounds (paper, figure 3). Retraining continues from the values of the kept weights;
 * pruned weights are sealed. You can await the result, or iterate over the rounds and use the network between them.
 *
 * A call that is refused leaves the network as it was: its weights, masks, dropout, frozen layers and memory format.
 *
 * @throws TorchPruneError synchronously, before there is a job: `ERR_ARGUMENT` or `ERR_SHAPE` for
 * wrong arguments, such as a criterion that names layers which do not exist. Any other error rejects the job:
 * `ERR_ARGUMENT` for a criterion that empties a layer, and the errors of `train()`.
 */
export function prune<K extends LayerKinds>(
  network: AnyNetwork & { readonly kinds: K },
  data: PruningData,
  options: PruneOptions<PrunableName<K>>,
): Job<Round, PruneResult, PruneProgress> {
  networkKind.read(network, 'prune: network')
  const parts = splitsKind('train', 'validation').read(data, 'prune: data')
  const read: PruneOptions = readOptions('prune', pruneOptions, options)
  const phases = checkPruning(network, read, parts)
  return networkJob(
    'prune()',
    network,
    { datasets: [parts.train, parts.validation], teacher: read.retrain.distillation?.teacher },
    (signal, report) =>
      new Rounds(
        network,
        parts,
        { ...read, signal, onProgress: telling(report, read.onProgress) },
        phases,
      ).run(),
    read.signal,
  )
}

/**
 * Returns the phases of each round. Throws for whatever can be known to be wrong with the options, and with the data if
 * it is given, before anything is pruned.
 */
export function checkPruning(
  network: AnyNetwork,
  options: Pick<PruneOptions, 'criterion' | 'rounds' | 'densitySchedule' | 'phases' | 'retrain'>,
  data?: PruningData,
): readonly Phase[] {
  const { criterion, retrain, rounds = 1, densitySchedule } = options
  checkCriterion(network, criterion)
  checkPaces(densitySchedule, rounds)
  const phases = phasesOf(network, options.phases)
  for (const phase of phases) {
    const frozen = [...network.frozen, ...fixedIn(network, phase)]
    const settings = settingsOf(retrain, phase)
    const sizes = checkSettings(network, settings, frozen)
    if (data) checkTrainingSet(network, data.train, settings, sizes, frozen)
  }
  if (data) checkTargets(network, data.validation, retrain.loss ?? DEFAULT_LOSS, 'the validation set')
  return phases
}
