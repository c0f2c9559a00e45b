import { readSafetensors, readSafetensorsHeader } from '../formats/safetensors.js'
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

/** Reads one layer of a network's file. Where it has no mask, what is not zero is kept. */
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

export interface Histogram {
  /** How many kept weights lie in each of the bins of one width between −limit and +limit. */
  readonly counts: readonly number[]
  /** All kept weights that are numbers, those outside included. */
  readonly total: number
}

export function histogram(weights: LayerWeights, limit: number, bins: number): Histogram {
  return scope(() => {
    const kept = keptNumbers(weights)
    const counts = operator('aten::histc')(kept, bins, -limit, limit) as Tensor<'float32'>
    return { counts: [...counts.data()], total: kept.numel }
  })
}

/** A bound that leaves out only the far tails of the kept weights; 0 where there are none. */
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

/** How many weights each output and each input of a layer still has, by channel. */
export interface Connections {
  readonly incoming: readonly number[]
  readonly outgoing: readonly number[]
}

export function countConnections(keep: Tensor<'bool'>, groups = 1): Connections {
  return scope(() => {
    const [outputs = 0, inputs = 0] = keep.shape
    const parted = keep.reshape([groups, outputs / groups, inputs, -1])
    return {
      incoming: [...(parted.sum([2, 3]).flatten().toArray() as number[])],
      outgoing: [...(parted.sum([1, 3]).flatten().toArray() as number[])],
    }
  })
}

/**
 * How many entries a layer takes as sparse rows whose indices count on from the entry before: `bits` bits
 * reach 2^bits places on, and a longer gap is bridged by zeros that are stored as well.
 */
export function sparseEntries(keep: Tensor<'bool'>, bits: number): number {
  return scope(() => {
    const columns = keep.numel / keep.shape[0]!
    const places = keep.flatten().nonzero().squeeze(1)
    if (places.numel === 0) return 0
    const before = cat([tensor([-1n]), places.narrow(0, 0, places.numel - 1)])
    // A row's first entry counts from the row's beginning, which is nearer than the entry before.
    const gap = places.sub(before).minimum(places.remainder(columns).add(1))
    const fillers = gap.sub(1).div(2 ** bits, { rounding: 'floor' })
    return places.numel + fillers.sum().item()
  })
}
