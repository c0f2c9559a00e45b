import type { LayerRecord } from '../runs/record.js'

/** The energy of one operation on 32 bits in a 45 nm process, in picojoules, from the paper. */
const ENERGY = { add: 0.9, multiply: 3.7, sram: 5, dram: 640 } as const
const WORD = 32

/** The number of bits of a relative index, from the paper: 8 for CONV layers and 5 for others. */
export function indexBits(kind: string): number {
  return kind === 'conv' ? 8 : 5
}

/** A layer and its size when stored as sparse rows. */
export interface SparseLayer extends LayerRecord {
  /** The number of stored weights: the kept ones, and zeros that bridge long gaps. */
  readonly entries: number
}

/** A quantity of the dense and of the pruned network. */
export interface BeforeAfter {
  readonly name: string
  readonly dense: number
  readonly pruned: number
}

/**
 * The energy for one input, in picojoules: that of each multiply-add, and that of reading each weight once from a
 * memory, for pruned layers together with their indices. As in the paper's FLOP%, pruned layers skip pruned weights and
 * inputs that are zero.
 */
export function energyByLayer(layers: readonly SparseLayer[], memory: 'sram' | 'dram'): BeforeAfter[] {
  const multiplyAdd = ENERGY.add + ENERGY.multiply
  return layers.map(({ name, kind, weights, flop, flopShare, entries }) => ({
    name,
    dense: (flop / 2) * multiplyAdd + weights * ENERGY[memory],
    pruned: (flop / 2) * flopShare * multiplyAdd + entries * (1 + indexBits(kind) / WORD) * ENERGY[memory],
  }))
}

/** The sum of quantities, under a name of its own. */
export function total(name: string, parts: readonly BeforeAfter[]): BeforeAfter {
  const sum = (key: 'dense' | 'pruned') => parts.reduce((all, part) => all + part[key], 0)
  return { name, dense: sum('dense'), pruned: sum('pruned') }
}
