import { join } from 'node:path'
import type { AnyNetwork } from '../nn/any_network.js'
import { kindOf } from '../nn/layer_kind.js'
import { loadWeights } from '../nn/weights_file.js'
import { parameterReport } from '../prune/surgery/neurons.js'
import type { QuantizeResult } from '../quantize/progress.js'
import { Checkpoint, type RunState } from '../runs/checkpoint.js'
import { CODED_FILE, QUANTIZED_FILE, REFERENCE_FILE } from '../runs/files.js'
import type { LayerRecord, RoundRecord, RunRecord } from '../runs/record.js'
import { evaluate } from '../train/evaluate.js'
import type { ClassEvaluation } from '../train/metrics.js'
import { codedRecord } from './coding.js'
import { quantizedRecord } from './quantizing.js'
import type { Session } from './session.js'

/**
 * Evaluates the reference, each round before and after retraining, the quantized network, the coded file, and the
 * result's layers on the test set.
 */
export async function readOutcome(
  session: Session,
  state: RunState,
  quantized?: QuantizeResult,
): Promise<Pick<RunRecord, 'reference' | 'pruned' | 'quantized' | 'coded' | 'layers' | 'rounds'>> {
  const { recipe, network, data, folder, autocast, signal, on } = session
  const checkpoint = new Checkpoint(folder)
  const total = 2 * state.rounds.length + 1 + (quantized ? 1 : 0) + (recipe.code ? 1 : 0)
  let done = 0
  const test = async (path: string, activations = false) => {
    on.testing?.(done++, total)
    await loadWeights(network, path)
    return evaluate(network, data.test, { loss: recipe.dense.loss, autocast, signal, activations })
  }
  const manyClasses = network.nodes.at(-1)!.shape[0]! >= 100
  const errors = ({ top1Error, top5Error }: ClassEvaluation) => ({
    top1Error,
    ...(manyClasses && { top5Error }),
  })
  const reference = await test(join(folder, REFERENCE_FILE))
  const rounds: RoundRecord[] = []
  let final = reference
  for (const { round, density, compression, validationError } of state.rounds) {
    const before = await test(checkpoint.pruned(round))
    final = await test(checkpoint.retrained(round), round === state.rounds.length)
    rounds.push({
      round,
      density,
      compression,
      validationError,
      top1ErrorBefore: before.top1Error,
      ...errors(final),
    })
  }
  const { dense, kept, compression } = await parameterReport(network, signal)
  const shared =
    quantized && quantizedRecord(quantized, errors(await test(join(folder, QUANTIZED_FILE))), dense)
  const coded =
    recipe.code && (await codedRecord(session, errors(await test(join(folder, CODED_FILE))), dense))
  on.testing?.(total, total)
  return {
    reference: { ...errors(reference), parameters: dense },
    pruned: { ...errors(final), parameters: kept, compression },
    ...(shared && { quantized: shared }),
    ...(coded && { coded }),
    layers: layerRecords(network, state, final),
    rounds,
  }
}

function layerRecords(network: AnyNetwork, state: RunState, { activations }: ClassEvaluation): LayerRecord[] {
  const kept = new Map(state.rounds.at(-1)?.layers.map((layer) => [layer.name, layer]))
  const density = (name: string) => (name === 'input' ? activations.input : (activations.layers[name] ?? 1))
  return network.costs.map(({ name, kind, weights, flop }) => {
    const node = network.nodes.find((candidate) => candidate.name === name)!
    // The activations of a layer are the outputs of its nonlinearity, if it has one.
    const after = network.nodes.find(({ layer, inputs }) => kindOf(layer).nonLinear && inputs.includes(name))
    const layer = kept.get(name) ?? { kept: weights, density: 1 }
    return {
      name,
      kind,
      weights,
      kept: layer.kept,
      density: layer.density,
      flop,
      activationDensity: density(after?.name ?? name),
      flopShare: layer.density * density(node.inputs[0]!),
    }
  })
}
