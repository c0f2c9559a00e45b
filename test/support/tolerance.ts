import type { DType } from '../../lib/base/dtype.js'
import type { FloatDType } from '../../lib/tensor/elements.js'
import { device } from './device.js'

/** A value passes where `|ours - theirs| <= atol + rtol * |theirs|`. */
export interface Tolerance {
  readonly rtol: number
  readonly atol: number
}

/** The distance from 1 to the next number: the unit in which everything here is counted. */
const UNIT: Readonly<Record<FloatDType, number>> = {
  float64: 2 ** -52,
  float32: 2 ** -23,
  float16: 2 ** -10,
  bfloat16: 2 ** -7,
}

/**
 * How many units a result may lie from one that another processor computed: relative to the value, and
 * absolutely, for values that are small because larger ones canceled. Two numbers each: of float64 and float32,
 * then of float16 and bfloat16, which are computed in float32 and rounded once at the end.
 */
const UNITS = {
  /** IEEE 754 leaves no choice: one correctly rounded step, a comparison, a choice, a copy. */
  exact: { relative: [0, 0], absolute: [0, 0] },
  /** A product and a sum: processors with fused multiply-add round once, others twice. */
  fused: { relative: [2, 1], absolute: [2, 0] },
  /** exp, log, sqrt and their like: each vector library, MKL among them, is within a unit or two of the true value. */
  function: { relative: [4, 1], absolute: [1, 0] },
  /** Sums, products of matrices, normalization, losses: the order of up to some hundred terms differs. */
  sum: { relative: [16, 1], absolute: [16, 1 / 8] },
  /** Processors without half arithmetic round partial sums of a convolution to the half format. */
  convolution: { relative: [16, 1], absolute: [16, 4] },
  /** Some layers and their gradients, one after the other. */
  network: { relative: [16, 4], absolute: [16, 1] },
  /**
   * Outputs of networks as deep as VGG-16, relative to the largest: sums of up to 25,088 terms on each other. MobileNet
   * v2's 53 layers come to 8 units with AVX2, and to 92 with SSE4.
   */
  model: { relative: [160, 4], absolute: [0, 0] },
  /** Each of a dozen steps of an optimizer rounds at most once more, on parameters around 1. */
  optimizer: { relative: [8, 4], absolute: [1, 1] },
  /** Weights and losses after some steps of training, each starting from the rounding of the one before. */
  training: { relative: [0, 0], absolute: [40, 5 / 8] },
  /** Losses in float32 of layers in a half format. */
  autocast: { relative: [0, 0], absolute: [16, 1 / 8] },
} as const satisfies Record<
  string,
  { relative: readonly [number, number]; absolute: readonly [number, number] }
>

export type Rounding = keyof typeof UNITS

/** The distance from 1 to the next number of TF32, in which a GPU computes convolutions unless it is told not to. */
const TF32 = 2 ** -10
/** Whether it may: scripts/gpu/tests.ts runs some tests a second time with NVIDIA's libraries told not to. */
const USES_TF32 = process.env.NVIDIA_TF32_OVERRIDE !== '0'

/** What a GPU's results are allowed at least, relative and absolute: it sums in another order, by other algorithms. */
function gpuTolerance(rounding: Rounding, half: boolean): number {
  if (!USES_TF32 && !half) return 1e-4
  // Errors add up over layers: after MobileNet's 53, its outputs were 8 units of TF32 off.
  return rounding === 'model' ? 16 * TF32 : 2e-3
}

/** How far results that round like `rounding` may lie from another processor's. */
export function tolerance(rounding: Rounding, dtype: DType = 'float32'): Tolerance {
  if (!(dtype in UNIT) || rounding === 'exact') return { rtol: 0, atol: 0 }
  const unit = UNIT[dtype as FloatDType]
  const half = dtype === 'float16' || dtype === 'bfloat16' ? 1 : 0
  const { relative, absolute } = UNITS[rounding]
  // Not less than on a processor: half formats round more coarsely than TF32, and a GPU's are no better.
  const least = device === 'cpu' || rounding === 'optimizer' ? 0 : gpuTolerance(rounding, half === 1)
  return { rtol: Math.max(relative[half] * unit, least), atol: Math.max(absolute[half] * unit, least) }
}

const EXACT = [
  'neg abs sign square floor ceil round trunc reciprocal sub mul div remainder clamp maximum minimum relu',
  'eq ne lt le gt ge logicalAnd logicalOr logicalXor logicalNot isnan isinf isfinite where maskedFill',
  'amax amin max min median argmax argmin topk kthvalue sort argsort all any countNonzero',
  'reshape view flatten permute transpose t squeeze unsqueeze expand repeat flip roll pad contiguous clone cat stack',
  'narrow slice select indexSelect gather maskedSelect nonzero tril triu split chunk unbind oneHot to detach',
  'zeros ones full arange eye zerosLike onesLike fullLike maxPool2d embedding',
].flatMap((line) => line.split(' '))
const FUSED = 'add lerp addcmul rsqrt pow leakyRelu linspace quantile'.split(' ')
const FUNCTION = 'sqrt exp expm1 log log1p log2 sin cos erf sigmoid tanh elu gelu silu softplus'.split(' ')

const ROUNDINGS = new Map<string, Rounding>([
  ...EXACT.map((name) => [name, 'exact'] as const),
  ...FUSED.map((name) => [name, 'fused'] as const),
  ...FUNCTION.map((name) => [name, 'function'] as const),
  ['conv2d', 'convolution'],
])

/** How an operator rounds, by its name in lib/tensor or libtorch; those that are not listed sum. */
export function roundingOf(operator: string): Rounding {
  const name = operator
    .replace(/^aten::|\..*$|_$/g, '')
    .replace(/_([a-z])/g, (_, letter) => letter.toUpperCase())
  return ROUNDINGS.get(name) ?? 'sum'
}
