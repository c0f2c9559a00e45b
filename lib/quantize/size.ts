import { type Abortable, abortOptions } from '../base/abort.js'
import { refuseReading } from '../base/lease.js'
import { type OptionsOf, readOptions } from '../base/option.js'
import { loadAddon } from '../binding/addon.js'
import type { NativeCounts } from '../binding/native.js'
import { runJob } from '../binding/native_job.js'
import { type AnyNetwork, networkKind } from '../nn/any_network.js'
import { type ConnectionKind, isPrunable, outputAxis, parameterShapes } from '../nn/cost.js'
import { isSmaller, MOST_LEVEL } from '../nn/int8.js'
import { biasBytes } from './biases.js'
import { quantizeOptions } from './options.js'

/** Bits of the gap between two kept weights: what the tables of Deep Compression have for LeNets and VGG-16. */
const GAP_BITS = 5
const FLOAT_BITS = 32

/** What a layer's weight costs to write down, values and positions each by their entropy. */
export interface LayerSize {
  readonly name: string
  readonly kind: ConnectionKind
  readonly weights: number
  readonly kept: number
  /** How many values its weights share; undefined where each has its own. */
  readonly values?: number
  /**
   * The bits of a kept weight: 32 where it has a value of its own, 8 where `quantize()` rounded it to int8, else those of
   * an index of one length.
   */
  readonly bits: number
  /** The same by the entropy of the values. */
  readonly entropy: number
  /** The bits of the gap between two kept weights, and the same by their entropy; 0 without a mask. */
  readonly gapBits: number
  readonly gapEntropy: number
  /** Weights of 0 that stand in gaps too long for their bits. */
  readonly fillers: number
  /** The bytes of all of it by entropy, the shared values, or the scales of int8, among them. */
  readonly bytes: number
}

/** What a network costs to write down. */
export interface NetworkSize {
  readonly layers: readonly LayerSize[]
  /** The bytes of all parameters that are not weights of these layers: biases, and those of normalization. */
  readonly otherBytes: number
  readonly bytes: number
}

/** The bits of a symbol that an ideal code needs, of symbols that come so often. */
export function entropyOf(counts: Iterable<number>): number {
  const list = [...counts].filter((count) => count > 0)
  const total = list.reduce((sum, count) => sum + count, 0)
  return list.reduce((sum, count) => sum + (count / total) * Math.log2(total / count), 0)
}

/** The sizes of some layers' weights as they are now. */
export async function layerSizes(
  network: AnyNetwork,
  names: readonly string[] = network.prunable,
  signal?: AbortSignal,
): Promise<LayerSize[]> {
  const nodes = names.map((name) => network.nodes.filter(isPrunable).find((node) => node.name === name)!)
  const weights = nodes.map((node) => {
    return { name: `${node.name}.weight`, bits: GAP_BITS, axis: outputAxis(node) }
  })
  const counts = await runJob(() => loadAddon().quantizeCounts(network.handle, weights), signal)
  return nodes.map((node, i) => {
    const channels = parameterShapes(node.layer).get('weight')![outputAxis(node)]!
    return sizeOf(network.costs.find(({ name }) => name === node.name)!, channels, counts[i]!)
  })
}

function sizeOf(
  { name, kind, weights }: { readonly name: string; readonly kind: ConnectionKind; readonly weights: number },
  channels: number,
  counted: NativeCounts,
): LayerSize {
  const { gaps, fillers } = counted
  const masked = gaps.length > 0
  const kept = masked ? gaps.reduce((sum, count) => sum + count, 0) - fillers : weights
  const { shared, bits, entropy, floats } = valueBits(counted, weights, channels)
  const [gapBits, gapEntropy] = masked ? [GAP_BITS, entropyOf(gaps)] : [0, 0]
  const coded = ((kept + fillers) * (entropy + gapEntropy)) / 8
  const bytes = Math.ceil(coded + (floats * FLOAT_BITS) / 8)
  return {
    ...{ name, kind, weights, kept, bits, entropy, gapBits, gapEntropy, fillers, bytes },
    ...(shared !== undefined && { values: shared }),
  }
}

/** The bits of a kept weight, the same by entropy, and how many floats belong to them: shared values, or scales. */
function valueBits({ values, levels, fillers }: NativeCounts, weights: number, channels: number) {
  // A filler is a weight of 0: one more value, or a level that is there already.
  if (values.length > 0) {
    const counts = values.subarray(1)
    const shared = counts.filter((count) => count > 0).length
    const bits = Math.ceil(Math.log2(Math.max(1, shared)))
    return { shared, bits, entropy: entropyOf([fillers, ...counts]), floats: shared }
  }
  if (levels.length > 0 && isSmaller(weights, channels)) {
    const counts = levels.map((count, i) => (i === MOST_LEVEL ? count + fillers : count))
    return { shared: undefined, bits: 8, entropy: entropyOf(counts), floats: channels }
  }
  return { shared: undefined, bits: FLOAT_BITS, entropy: FLOAT_BITS, floats: 0 }
}

const sizeOptions = {
  biases: quantizeOptions.biases,
  biasValues: quantizeOptions.biasValues,
  ...abortOptions,
}

/** Options of `networkSize()`. */
export interface SizeOptions extends Abortable, OptionsOf<typeof sizeOptions> {}

/** What a network as it is now costs to write down, by the entropy of its values and positions. */
export async function networkSize(network: AnyNetwork, options: SizeOptions = {}): Promise<NetworkSize> {
  networkKind.read(network, 'networkSize: network')
  const { signal, ...rest } = readOptions('networkSize', sizeOptions, options)
  refuseReading(network)
  const layers = await layerSizes(network, network.prunable, signal)
  const otherBytes = biasBytes(network, rest)
  return { layers, otherBytes, bytes: layers.reduce((sum, { bytes }) => sum + bytes, otherBytes) }
}
