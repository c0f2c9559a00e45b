import { TorchPruneError } from '../../base/errors.js'
import { boolean, number, words } from '../../base/kind.js'
import { optional } from '../../base/option.js'
import {
  type Carried,
  described,
  type From,
  type LayerKind,
  type MadeOf,
  type OptionsOf,
  type Reads,
  tableOf,
} from './parts/kind.js'
import { constant, type OnnxOperator, type OnnxPlace, op, wholes } from './parts/onnx.js'
import { both, size } from './parts/options.js'
import { passing } from './parts/pass.js'
import { image } from './parts/windows.js'

const tables = {
  of: {},
  options: {
    /** Height and width of the output, where no `scaleFactor` says it. */
    size: optional(size(1)),
    /** How many times larger the output is. Its sizes are rounded down. */
    scaleFactor: optional(both(number({ over: 0 }))),
    /** @default 'nearest' */
    mode: optional(words('nearest', 'bilinear'), 'nearest'),
    /**
     * Whether the corners of input and output lie on each other, for `'bilinear'`.
     * @default false
     */
    alignCorners: optional(boolean, false),
  },
}

export interface UpsampleOptions extends OptionsOf<typeof tables.options> {}

export interface UpsampleLayer<From extends string = string> extends Reads<From>, MadeOf<typeof tables> {
  readonly kind: 'upsample'
}

/**
 * Enlarges images, `[N, C, H, W]` to `[N, C, H', W']`, to a `size` or by a `scaleFactor`.
 *
 * @example upsample({ scaleFactor: 2, mode: 'bilinear' })
 */
export function upsample<const F extends Source = never, Source extends string = string>(
  options: From<F> & UpsampleOptions,
): UpsampleLayer<Carried<F, Source>> {
  const layer = described('upsample', tables, {}, options)
  check(layer, 'upsample')
  return layer
}

function check({ size, scaleFactor, mode, alignCorners }: UpsampleLayer, name: string): void {
  if ((size === undefined) === (scaleFactor === undefined)) {
    throw new TorchPruneError('ERR_ARGUMENT', `${name} takes either a size or a scaleFactor`)
  }
  if (!alignCorners || mode === 'bilinear') return
  throw new TorchPruneError('ERR_ARGUMENT', `${name}: alignCorners is for mode 'bilinear'`)
}

export default {
  ...passing,
  table: tableOf(tables),
  check,
  shape({ size, scaleFactor }, [input], refuse) {
    const [channels, height, width] = image(input, refuse)
    const [h, w] = size ?? [Math.floor(height * scaleFactor![0]), Math.floor(width * scaleFactor![1])]
    if (h < 1 || w < 1) throw refuse('an input of which its scaleFactor leaves something')
    return [channels, h, w]
  },
  onnx: enlarged,
} satisfies LayerKind<UpsampleLayer>

function enlarged(layer: UpsampleLayer, place: OnnxPlace): OnnxOperator {
  const { mode, scaleFactor, alignCorners } = layer
  const { inputs, inputShape, shape } = place
  const [before, after] = [inputShape.slice(1), shape.slice(1)]
  if (mode === 'nearest') return nearest(layer, place)
  const attributes = {
    mode: 'linear',
    coordinate_transformation_mode: alignCorners ? 'align_corners' : 'half_pixel',
  }
  if (alignCorners || !scaleFactor) {
    const sizes = wholes('sizes', after)
    return op('Resize', [...inputs, undefined, undefined, sizes], { ...attributes, axes: [2, 3] })
  }
  const scales = scaleFactor.map((factor, axis) => scaleOf(factor, before[axis]!, after[axis]!))
  if (!scales.every((scale) => scale !== undefined)) {
    throw place.refuse(`in float32, its scaleFactor gives other sizes than [${after}]; say the size instead`)
  }
  return op('Resize', [...inputs, undefined, constant('scales', [1, 1, ...scales], [4])], attributes)
}

/** The factor in float32, or its neighbor there, that makes the same size of a side, rounded or not. */
function scaleOf(factor: number, before: number, after: number): number | undefined {
  const nearby = new Float32Array([factor, factor, factor])
  const bits = new Uint32Array(nearby.buffer)
  bits[1]!++
  bits[2]!--
  return [...nearby].find(
    (scale) => Math.floor(before * scale) === after && Math.floor(Math.fround(before * scale)) === after,
  )
}

/** A whole factor is ONNX's own. Of others, rounding decides which pixel is nearest, and runtimes differ in that. */
function nearest({ scaleFactor }: UpsampleLayer, { inputs, inputShape, shape }: OnnxPlace): OnnxOperator {
  const sources = [1, 2].map((axis) =>
    sourcesOf(inputShape[axis]!, shape[axis]!, scaleFactor && scaleFactor[axis - 1]!),
  )
  const factors = [1, 2].map((axis) => shape[axis]! / inputShape[axis]!)
  const isWhole = sources.every((all, axis) =>
    all.every((from, i) => from === Math.floor(i / factors[axis]!)),
  )
  if (isWhole && factors.every(Number.isInteger)) {
    const scales = constant('scales', [1, 1, ...factors], [4])
    const attributes = { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }
    return op('Resize', [...inputs, undefined, scales], { mode: 'nearest', ...attributes })
  }
  const rows = op('Gather', [...inputs, wholes('rows', sources[0]!)], { axis: 2 })
  return op('Gather', [rows, wholes('columns', sources[1]!)], { axis: 3 })
}

/** The place that each place along a side is taken from, in float32 as libtorch has it, with its two exceptions. */
function sourcesOf(before: number, after: number, factor: number | undefined): number[] {
  const step = Math.fround(factor === undefined ? before / after : 1 / factor)
  return Array.from({ length: after }, (_, i) => {
    if (after === before) return i
    if (after === 2 * before) return Math.floor(i / 2)
    return Math.min(Math.floor(Math.fround(i * step)), before - 1)
  })
}
