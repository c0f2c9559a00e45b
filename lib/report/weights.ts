import { readSafetensors, readSafetensorsHeader } from '../formats/safetensors.js'
import type { Parting } from '../nn/cost.js'
import { fromBytes } from '../tensor/bytes.js'
import { cat } from '../tensor/combine.js'
import { tensor } from '../tensor/from.js'
import { operator } from '../tensor/operator.js'
import { scope } from '../tensor/scope.js'
import type { Tensor } from '../tensor/tensor.js'

/** A layer's weights as float32, and which of them are kept. */
export interface LayerWeights extends Disposable {
  readonly weight: Tensor<'float32'>
  readonly keep: Tensor<'bool'>
}

/** Reads one layer of a network's file. If it has no mask, weights that are not zero count as kept. */
export async function readLayerWeights(path: string, layer: string): Promise<LayerWeights> {
  const [weightName, maskName] = [`${layer}.weight`, `${layer}.weight_mask`]
  const masked = (await readSafetensorsHeader(path)).tensors.has(maskName)
  const { tensors } = await readSafetensors(path, { only: masked ? [weightName, maskName] : [weightName] })
  const { weight, keep } = scope(() => {
    const weight = fromBytes(tensors.get(weightName)!).float()
    const mask = tensors.get(maskName)
    return { weight, keep: mask ? fromBytes(mask).bool() : weight.ne(0) }
  })
  return {
    weight,
    keep,
    [Symbol.dispose]() {
      weight.dispose()
      keep.dispose()
    },
  }
}

/** A histogram of kept weights. */
export interface Histogram {
  /** The number of kept weights in each of the equally wide bins between −limit and +limit. */
  readonly counts: readonly number[]
  /** The number of kept weights that are finite, including those outside of the bins. */
  readonly total: number
}

/** Counts the kept weights between −limit and +limit in `bins` bins. */
export function histogram(weights: LayerWeights, limit: number, bins: number): Histogram {
  return scope(() => {
    const kept = keptNumbers(weights)
    const counts = operator('aten::histc')(kept, bins, -limit, limit) as Tensor<'float32'>
    return { counts: [...counts.data()], total: kept.numel }
  })
}

/** A bound that only excludes the far tails of the kept weights; 0 if there are none. */
export function histogramLimit(weights: LayerWeights): number {
  return scope(() => {
    const kept = keptNumbers(weights)
    if (kept.numel === 0) return 0
    const [largest, typical] = [kept.norm(Number.POSITIVE_INFINITY).item(), kept.norm().item()]
    return Math.min(largest, (5 * typical) / Math.sqrt(kept.numel))
  })
}

function keptNumbers({ weight, keep }: LayerWeights): Tensor<'float32'> {
  return weight.maskedSelect(keep.logicalAnd(weight.isfinite()))
}

/** The number of remaining weights of each output and each input of a layer, by channel. */
export interface Connections {
  readonly incoming: readonly number[]
  readonly outgoing: readonly number[]
}

/** Counts the kept weights of each output and input channel, given a mask of a weight's shape. */
export function countConnections(
  keep: Tensor<'bool'>,
  { groups, inputsFirst }: Parting = { groups: 1, inputsFirst: false },
): Connections {
  return scope(() => {
    const [first = 0, second = 0] = keep.shape
    const grouped = keep.reshape([groups, first / groups, second, -1])
    const [outputs, inputs] = inputsFirst ? [2, 1] : [1, 2]
    return {
      incoming: [...(grouped.sum([inputs, 3]).flatten().toArray() as number[])],
      outgoing: [...(grouped.sum([outputs, 3]).flatten().toArray() as number[])],
    }
  })
}

/**
 * The number of entries of a layer that is stored as sparse rows, whose indices are relative to the previous entry.
 * `bits` bits can skip up to 2^bits positions; longer gaps are bridged by zeros, which are stored as well.
 */
export function sparseEntries(keep: Tensor<'bool'>, bits: number): number {
  return scope(() => {
    const columns = keep.numel / keep.shape[0]!
    const places = keep.flatten().nonzero().squeeze(1)
    if (places.numel === 0) return 0
    const before = cat([tensor([-1n]), places.narrow(0, 0, places.numel - 1)])
    // A row's first entry is relative to the row's beginning, which is closer than the previous entry.
    const gap = places.sub(before).minimum(places.remainder(columns).add(1))
    const fillers = gap.sub(1).div(2 ** bits, { rounding: 'floor' })
    return places.numel + fillers.sum().item()
  })
}
