import type { PaperTable } from '../runs/paper.js'

/** Weights, FLOP and, in percent, non-zero activations, kept weights and FLOP that are left. */
type Row = readonly [weights: number, flop: number, activations: number, kept: number, flopLeft: number]

type Published = Omit<PaperTable, 'layers'> & { readonly layers: readonly Row[] }

/** The paper's table 4, for Caffe's AlexNet. */
export const ALEXNET: Published = {
  reference: { top1Error: 42.78, top5Error: 19.73, parameters: 61e6 },
  pruned: { top1Error: 42.77, top5Error: 19.67, parameters: 6.7e6, compression: 9 },
  layers: [
    [35e3, 211e6, 88, 84, 84],
    [307e3, 448e6, 52, 38, 33],
    [885e3, 299e6, 37, 35, 18],
    [663e3, 224e6, 40, 37, 14],
    [442e3, 150e6, 34, 37, 14],
    [38e6, 75e6, 36, 9, 3],
    [17e6, 34e6, 40, 9, 3],
    [4e6, 8e6, 100, 25, 10],
  ],
}

/** The paper's table 5, for VGG-16. */
export const VGG16: Published = {
  reference: { top1Error: 31.5, top5Error: 11.32, parameters: 138e6 },
  pruned: { top1Error: 31.34, top5Error: 10.88, parameters: 10.3e6, compression: 13 },
  layers: [
    [2e3, 0.2e9, 53, 58, 58],
    [37e3, 3.7e9, 89, 22, 12],
    [74e3, 1.8e9, 80, 34, 30],
    [148e3, 3.7e9, 81, 36, 29],
    [295e3, 1.8e9, 68, 53, 43],
    [590e3, 3.7e9, 70, 24, 16],
    [590e3, 3.7e9, 64, 42, 29],
    [1e6, 1.8e9, 51, 32, 21],
    [2e6, 3.7e9, 45, 27, 14],
    [2e6, 3.7e9, 34, 34, 15],
    [2e6, 925e6, 32, 35, 12],
    [2e6, 925e6, 29, 29, 9],
    [2e6, 925e6, 19, 36, 11],
    [103e6, 206e6, 38, 4, 1],
    [17e6, 34e6, 42, 4, 2],
    [4e6, 8e6, 100, 23, 9],
  ],
}

/** A published table with a model's names of layers, given in the table's order, and its densities. */
export function underNames<const Name extends string>(
  { layers, ...figures }: Published,
  names: readonly Name[],
) {
  const rows = layers.map(([weights, flop, activations, kept, flopLeft], i) => ({
    name: names[i]!,
    weights,
    flop,
    activationDensity: activations / 100,
    density: kept / 100,
    flopShare: flopLeft / 100,
  }))
  const paper: PaperTable = { ...figures, layers: rows }
  const densities = Object.fromEntries(rows.map(({ name, density }) => [name, density]))
  return { paper, densities: densities as Readonly<Record<Name, number>> }
}
