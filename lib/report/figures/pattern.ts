import sharp from 'sharp'
import { largest, smallest } from '../../base/lists.js'
import type { Node } from '../../nn/graph.js'
import { kindOf } from '../../nn/layer_kind.js'
import type { Shape } from '../../nn/shapes.js'
import { operator } from '../../tensor/operator.js'
import { scope } from '../../tensor/scope.js'
import type { Tensor } from '../../tensor/tensor.js'
import { drawChart } from '../chart.js'
import type { Figure } from '../figure.js'
import { formatPercent } from '../format.js'
import { stateStyle } from '../palette.js'
import { maskedImage } from './image.js'

/** The largest number of cells in a drawing; with more, neighboring neurons are averaged. */
const MOST_CELLS = 600_000

/** A layer that is fully connected to the pixels of an image. */
export interface ImageLayer {
  readonly name: string
  readonly neurons: number
  readonly channels: number
  readonly height: number
  readonly width: number
}

/** Finds the first layer with connections, if it is fully connected to the pixels of an image. */
export function findImageLayer(nodes: readonly Node[], input: Shape): ImageLayer | undefined {
  if (input.length !== 3) return undefined
  const first = nodes.find(({ layer }) => !kindOf(layer).transparent)
  if (first === undefined || kindOf(first.layer).connections?.kind !== 'fc') return undefined
  const [channels, height, width] = input as readonly [number, number, number]
  return { name: first.name, neurons: first.shape[0]!, channels, height, width }
}

/** Figure 4: which weights are kept. Each neuron is a row, and the rows of the image are bands side by side. */
export async function bandsFigure(layer: ImageLayer, keep: Tensor<'bool'>): Promise<Figure> {
  const { name, neurons, channels, height, width } = layer
  const bands = channels * height
  const kept = scope(() => keep.sum(0).reshape([bands, width]).sum(1).toArray() as number[])
  const title = `Kept weights of ${name}`
  const svg = drawChart({
    id: 'pattern',
    title,
    description:
      `A dot for each kept weight of ${name}: ${neurons} neurons by ${bands} bands, one for each row of the image. ` +
      `The fullest band has ${largest(kept)} kept weights, the emptiest ${smallest(kept)}.`,
    width: 720,
    height: 360,
    marginBottom: 60,
    x: {
      domain: [0, bands * width],
      ticks: evenly(bands).map((band) => band * width),
      tickFormat: (place: number) => String(place / width),
      label: channels > 1 ? 'row of the image, by channel' : 'row of the image',
      labelOffset: 56,
    },
    y: { domain: [neurons, 0], ticks: 4, label: 'neuron', labelArrow: 'none' },
    // If there are few cells, they are drawn large and with sharp edges.
    marks: [
      maskedImage(await keptImage(keep), stateStyle('retrained').color, { pixelated: bands * width < 400 }),
    ],
  })
  return {
    id: 'pattern',
    title,
    caption:
      `Each dot is a kept weight, each line a neuron. The pixels of each row of the image are side by side, so ` +
      `its ${bands} rows are bands, thin where images are empty.`,
    svg,
    wide: true,
    table: {
      columns: ['row of the image', 'kept weights', 'of all'],
      rows: kept.map((count, band) => [
        channels > 1 ? `${(band % height) + 1}, channel ${Math.floor(band / height) + 1}` : String(band + 1),
        String(count),
        formatPercent((100 * count) / (neurons * width), 1),
      ]),
    },
  }
}

/** The number of kept weights of each pixel of the image. */
export async function pixelsFigure(layer: ImageLayer, keep: Tensor<'bool'>): Promise<Figure> {
  const { name, channels, height, width } = layer
  const kept = scope(() => keep.sum(0).reshape([channels, height, width]).sum(0).toArray() as number[][])
  const most = largest(kept.flat())
  const title = `Kept weights of ${name} by pixel`
  const gray = Uint8Array.from(kept.flat(), (count) => (255 * count) / Math.max(1, most))
  const svg = drawChart({
    id: 'pattern-pixels',
    title,
    description: `How many weights of ${name} read each of ${height} by ${width} pixels: ${most} at most.`,
    height: 372,
    marginRight: 480 - 52 - Math.min(408, (300 * width) / height),
    x: { domain: [0, width], ticks: evenly(width), label: 'column of the image', labelAnchor: 'center' },
    y: { domain: [height, 0], ticks: evenly(height), label: 'row of the image', labelArrow: 'none' },
    marks: [
      maskedImage(await toPng(gray, width, height), stateStyle('retrained').color, { pixelated: true }),
    ],
  })
  return {
    id: 'pattern-pixels',
    title,
    caption: `The stronger the color, the more kept weights read the pixel (at most ${most}).`,
    svg,
    table: {
      columns: ['row', ...Array.from({ length: width }, (_, column) => String(column + 1))],
      rows: kept.map((row, index) => [String(index + 1), ...row.map(String)]),
    },
  }
}

/** Positions to mark on an axis from 0 to a whole number. */
function evenly(length: number): number[] {
  const step = Math.max(1, Math.round(length / 4))
  return Array.from({ length: Math.floor(length / step) + 1 }, (_, index) => index * step)
}

/** An image that is white where a weight is kept and black where it is pruned. */
function keptImage(keep: Tensor<'bool'>): Promise<Buffer> {
  const { data, shape } = scope(() => {
    const together = Math.ceil(keep.numel / MOST_CELLS)
    const cells = keep.float().unsqueeze(0)
    const pool = operator('aten::avg_pool2d')
    const shares = together > 1 ? (pool(cells, [together, 1], [together, 1], [0, 0], true) as Tensor) : cells
    const gray = shares.squeeze(0).mul(255).to('uint8')
    return { data: gray.data(), shape: gray.shape }
  })
  return toPng(data, shape[1]!, shape[0]!)
}

function toPng(gray: Uint8Array, width: number, height: number): Promise<Buffer> {
  return sharp(gray, { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png({ compressionLevel: 9 })
    .toBuffer()
}
