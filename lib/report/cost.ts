import type { LayerRecord } from '../runs/record.js'

/** Picojoules of one operation on 32 bits in a 45 nm process, as the paper has them. */
const ENERGY = { add: 0.9, multiply: 3.7, sram: 5, dram: 640 } as const
const WORD = 32

/** Bits of a relative index, as the paper has them. */
export function indexBits(kind: string): number {
  return kind === 'conv' ? 8 : 5
}

/** A layer and what it takes as sparse rows. */
export interface SparseLayer extends LayerRecord {
  /** Stored weights: the kept ones, and zeros that bridge long gaps. */
  readonly entries: number
  readonly rows: number
}

/** A quantity of the dense and of the pruned network. */
export interface BeforeAfter {
  readonly name: string
  readonly dense: number
  readonly pruned: number
}

/**
 * Picojoules for one input: each multiply-add, and each weight read once from a memory, the pruned ones with
 * their indices. Pruned layers skip weights that are gone and inputs that are zero, as in the paper's FLOP%.
 */
export function energyByLayer(layers: readonly SparseLayer[], memory: 'sram' | 'dram'): BeforeAfter[] {
  const multiplyAdd = ENERGY.add + ENERGY.multiply
  return layers.map(({ name, kind, weights, flop, flopShare, entries }) => ({
    name,
    dense: (flop / 2) * multiplyAdd + weights * ENERGY[memory],
    pruned: (flop / 2) * flopShare * multiplyAdd + entries * (1 + indexBits(kind) / WORD) * ENERGY[memory],
  }))
}

/** Bytes: dense as float32; pruned as sparse rows of float32 with relative indices and a pointer a row. */
export function bytesByLayer(layers: readonly SparseLayer[]): BeforeAfter[] {
  return layers.map(({ name, kind, weights, entries, rows }) => ({
    name,
    dense: (weights * WORD) / 8,
    pruned: Math.ceil((entries * (WORD + indexBits(kind)) + (rows + 1) * WORD) / 8),
  }))
}

export function total(name: string, parts: readonly BeforeAfter[]): BeforeAfter {
  const sum = (key: 'dense' | 'pruned') => parts.reduce((all, part) => all + part[key], 0)
  return { name, dense: sum('dense'), pruned: sum('pruned') }
}
