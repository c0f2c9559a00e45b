import type { TorchPruneError } from '../../../base/errors.js'
import { product } from '../../../base/lists.js'
import type { OnnxAttributes } from '../../../formats/onnx/graph.js'
import type { Shape } from '../../../tensor/shape.js'

export { float } from '../../../formats/onnx/graph.js'

/** A value of a layer in ONNX: one that has a name in the graph already, a constant, or what an operator puts out. */
export type OnnxValue = string | OnnxConstant | OnnxOperator

/** A tensor that the layer computes with and does not learn. */
export interface OnnxConstant {
  /** What it is to the layer, such as `scales`. */
  readonly role: string
  readonly shape: Shape
  readonly values: Float32Array | BigInt64Array
}

/** An operator of ONNX. Where it stands twice, it is computed once. */
export interface OnnxOperator {
  /** Its name in ONNX's default domain. */
  readonly operator: string
  /** What it reads; undefined for an optional input that is left out. */
  readonly inputs: readonly (OnnxValue | undefined)[]
  readonly attributes: OnnxAttributes
}

/** Where a layer stands in an ONNX graph. */
export interface OnnxPlace {
  /** What it reads. */
  readonly inputs: readonly [string, ...string[]]
  /** The shape of one sample of what it reads, the first where there are several. */
  readonly inputShape: Shape
  /** The shape of one sample of its output. */
  readonly shape: Shape
  /** One of its parameters or buffers by PyTorch's name; undefined where the layer does without it. */
  own(name: string): string | undefined
  /** Makes the error for a layer that ONNX cannot express; `reason` completes "cannot be written as ONNX:". */
  refuse(reason: string): TorchPruneError
}

export function op(
  operator: string,
  inputs: readonly (OnnxValue | undefined)[],
  attributes: OnnxAttributes = {},
): OnnxOperator {
  return { operator, inputs, attributes }
}

/** What a layer is that ONNX has an operator for, of all that it reads. */
export function plainly(operator: string, attributes?: OnnxAttributes) {
  return (_layer: unknown, { inputs }: OnnxPlace): OnnxOperator => op(operator, inputs, attributes)
}

/** Numbers in float32. */
export function constant(role: string, values: readonly number[], shape: Shape): OnnxConstant {
  return { role, shape, values: Float32Array.from(values) }
}

/** One number in float32. */
export function number(role: string, value: number): OnnxConstant {
  return constant(role, [value], [])
}

/** The same number everywhere. */
export function filled(role: string, value: number, shape: Shape): OnnxConstant {
  return { role, shape, values: new Float32Array(product(shape)).fill(value) }
}

/** Whole numbers: sizes, places. */
export function wholes(role: string, values: readonly number[]): OnnxConstant {
  return { role, shape: [values.length], values: BigInt64Array.from(values, BigInt) }
}

/** A number for each dimension of an image, or the one of a sequence. */
type PerDimension = number | readonly number[]

/** The attributes of an operator that slides a window. */
export function windowOf(window: {
  readonly kernelSize: PerDimension
  readonly stride: PerDimension
  readonly padding: PerDimension
  readonly dilation?: PerDimension
  /**
   * What is padded after the input.
   * @default what is padded before it
   */
  readonly paddingAfter?: PerDimension
}): OnnxAttributes {
  const { kernelSize, stride, padding, dilation, paddingAfter = padding } = window
  return {
    kernel_shape: [kernelSize].flat(),
    strides: [stride].flat(),
    pads: [padding, paddingAfter].flat(),
    ...(dilation !== undefined && { dilations: [dilation].flat() }),
  }
}
