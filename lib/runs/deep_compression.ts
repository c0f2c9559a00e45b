import type { PaperTable } from './paper.js'

/** A layer in a table of Deep Compression. Bits are those of one kept weight. */
export interface DeepCompressionLayer {
  /** The bits of the value of a weight, and how many Huffman coding leaves of them. */
  readonly bits: number
  readonly codedBits: number
  /** The same of the gap to the next kept weight. */
  readonly gapBits: number
  readonly codedGapBits: number
  /** The size in percent of the dense layer, without and with Huffman coding. */
  readonly size: number
  readonly codedSize: number
}

/** What Deep Compression reports about a network. */
export interface DeepCompression {
  /** The top-1 error in percent after pruning, sharing values and coding. */
  readonly top1Error: number
  readonly bytes: number
  /** The dense network's bytes divided by that. */
  readonly ratio: number
  /** The total size in percent of the dense network, without and with Huffman coding. */
  readonly size: number
  readonly codedSize: number
  /** The layers by name. */
  readonly layers: ReadonlyMap<string, DeepCompressionLayer>
}

type Row = readonly [
  bits: number,
  coded: number,
  gapBits: number,
  codedGaps: number,
  size: number,
  coded: number,
]

interface Published extends Omit<DeepCompression, 'layers'> {
  /** The network's layers in order; undefined where we have no figures. */
  readonly rows: readonly (Row | undefined)[]
}

/**
 * The tables of Han, Mao, Dally, "Deep Compression" (arXiv 1510.00149), by the number of parameters that the paper on
 * pruning gives the same network.
 */
const PUBLISHED: Readonly<Record<number, Published>> = {
  // LeNet-300-100
  267000: {
    ...{ top1Error: 1.58, bytes: 27e3, ratio: 40, size: 3.1, codedSize: 2.49 },
    rows: [
      [6, 4.4, 5, 3.7, 3.1, 2.32],
      [6, 4.4, 5, 4.3, 3.8, 3.04],
      [6, 4.3, 5, 3.2, 15.7, 12.7],
    ],
  },
  // LeNet-5
  431000: {
    ...{ top1Error: 0.74, bytes: 44e3, ratio: 39, size: 3.05, codedSize: 2.55 },
    rows: [
      [8, 7.2, 5, 1.5, 78.5, 67.45],
      [8, 7.2, 5, 3.9, 6, 5.28],
      [5, 4.5, 5, 4.5, 2.7, 2.45],
      [5, 5.2, 5, 3.7, 6.9, 6.13],
    ],
  },
  // AlexNet
  61000000: {
    ...{ top1Error: 42.78, bytes: 6.9e6, ratio: 35, size: 3.7, codedSize: 2.88 },
    rows: [
      [8, 6.3, 4, 1.2, 32.6, 20.53],
      [8, 5.5, 4, 2.3, 14.5, 9.43],
      [8, 5.1, 4, 2.6, 13.1, 8.44],
      [8, 5.2, 4, 2.5, 14.1, 9.11],
      [8, 5.6, 4, 2.5, 14, 9.43],
      [5, 3.9, 4, 3.2, 3, 2.39],
      [5, 3.6, 4, 3.7, 3, 2.46],
      [5, 4, 4, 3.2, 7.3, 5.85],
    ],
  },
  // VGG-16; its CONV layers come first.
  138000000: {
    ...{ top1Error: 31.17, bytes: 11.3e6, ratio: 49, size: 3.2, codedSize: 2.05 },
    rows: [
      ...new Array<undefined>(13),
      [5, 3.6, 5, 3.5, 1.6, 1.1],
      [5, 4, 5, 4.3, 1.5, 1.25],
      [5, 4, 5, 3.4, 7.1, 5.24],
    ],
  },
}

/** What Deep Compression reports about the network of a table of the paper on pruning, under that table's names. */
export function deepCompression(paper: PaperTable | undefined): DeepCompression | undefined {
  const published = PUBLISHED[paper?.reference.parameters ?? 0]
  if (paper === undefined || published === undefined) return undefined
  const { rows, ...figures } = published
  const layers = paper.layers.flatMap(({ name }, i): [string, DeepCompressionLayer][] => {
    const row = rows[i]
    if (row === undefined) return []
    const [bits, codedBits, gapBits, codedGapBits, size, codedSize] = row
    return [[name, { bits, codedBits, gapBits, codedGapBits, size, codedSize }]]
  })
  return { ...figures, layers: new Map(layers) }
}
