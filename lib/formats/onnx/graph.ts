import type { StoredTensor } from '../../tensor/bytes.js'

/** A computation as ONNX describes it: operators over named values, in an order in which they can run. */
export interface OnnxGraph {
  readonly name: string
  readonly inputs: readonly OnnxPort[]
  readonly outputs: readonly OnnxPort[]
  readonly nodes: readonly OnnxNode[]
  /** Parameters and constants, by the names of their values. */
  readonly initializers: ReadonlyMap<string, StoredTensor>
}

/** A float32 value that enters or leaves the graph. */
export interface OnnxPort {
  readonly name: string
  /** The size of each dimension; a name stands for one that is known only when the graph runs. */
  readonly shape: readonly (number | string)[]
}

/** One operator in its place. */
export interface OnnxNode {
  readonly name: string
  /** The operator's name in ONNX's default domain. */
  readonly operator: string
  /** The names of the values that it reads; an empty one stands for an optional input that is left out. */
  readonly inputs: readonly string[]
  readonly output: string
  readonly attributes: OnnxAttributes
}

/** A whole number or an array of them, a text, or a number that ONNX stores in float32. */
export type OnnxAttribute = number | readonly number[] | string | { readonly float: number }

export type OnnxAttributes = Readonly<Record<string, OnnxAttribute>>

/** A number for an attribute that is a float in ONNX, be it whole or not. */
export function float(value: number): OnnxAttribute {
  return { float: value }
}
