import { join } from 'node:path'
import { loadNetwork } from '../nn/load.js'
import type { QuantizeResult } from '../quantize/progress.js'
import { type QuantizeOptions, quantize } from '../quantize/quantize.js'
import { SHARING } from '../runs/events.js'
import { QUANTIZED_FILE, REFERENCE_FILE } from '../runs/files.js'
import type { QuantizedRecord } from '../runs/record.js'
import type { Tensor } from '../tensor/tensor.js'
import { predict } from '../train/evaluate.js'
import { type Note, noteEpoch } from './position.js'
import { type QuantizePlan, quantizingOf } from './recipe.js'
import type { Session } from './session.js'

/** The same quantization with such a teacher, where a network's is not given. */
export function taughtBy(quantizing: QuantizeOptions, teacher: Tensor | undefined): QuantizeOptions {
  const { retrain } = quantizing
  if (!retrain?.distillation || !teacher) return quantizing
  return { ...quantizing, retrain: { ...retrain, distillation: { ...retrain.distillation, teacher } } }
}

/** Lets the weights of a session's pruned network share values by its recipe's plan, and saves it. */
export async function quantizeRun(session: Session, plan: QuantizePlan, note: Note): Promise<QuantizeResult> {
  const { recipe, network, data, folder, seed, autocast, signal, on } = session
  const quantizing = quantizingOf(recipe, plan)
  const lesson = quantizing.retrain?.distillation
  // The dense network teaches, as it taught the survivors.
  using dense = lesson && !lesson.teacher ? await loadNetwork(join(folder, REFERENCE_FILE)) : undefined
  if (dense) await dense.to(session.device)
  using teacher = dense && (await predict(dense, data.train, { autocast, signal }))
  const job = quantize(network, data, {
    ...taughtBy(quantizing, teacher),
    seed,
    signal,
    onProgress: on.quantizeProgress?.bind(on),
  })
  for await (const event of job) {
    on.quantized?.(event)
    if (event.stage !== 'epoch') continue
    const { stage: _, ...epoch } = event
    await noteEpoch(note, { round: recipe.prune.rounds ?? 1, phase: SHARING }, epoch)
  }
  await network.save(join(folder, QUANTIZED_FILE))
  return await job
}

/** What a run's record holds of it. */
export function quantizedRecord(
  { layers, bytes, validationError }: QuantizeResult,
  errors: { readonly top1Error: number; readonly top5Error?: number | undefined },
  parameters: number,
): QuantizedRecord {
  return {
    ...errors,
    validationError,
    bytes: Math.ceil(bytes),
    ratio: (4 * parameters) / bytes,
    layers: layers.map(({ name, values, bits, entropy, gapBits, gapEntropy, bytes }) => ({
      ...{ name, bits, entropy, gapBits, gapEntropy, bytes },
      ...(values !== undefined && { values }),
    })),
  }
}
