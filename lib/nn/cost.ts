import { product } from '../base/lists.js'
import type { Node } from './graph.js'
import { kindOf, type PrunableKind } from './layer_kind.js'
import type { Layer } from './layers/index.js'
import type { ConnectionKind, Connections } from './layers/parts/kind.js'
import type { Shape } from './shapes.js'

export type { ConnectionKind } from './layers/parts/kind.js'

/** What a layer costs, dense. */
export interface LayerCost {
  readonly name: string
  readonly kind: ConnectionKind
  /** Connections: elements of the weight. */
  readonly weights: number
  readonly biases: number
  /** Floating-point operations for one sample; a multiply-add counts as 2. */
  readonly flop: number
}

/** A layer with weights that can be pruned, in its place. */
export type PrunableNode = Node & { readonly layer: Layer & { readonly kind: PrunableKind } }

export function isPrunable(node: Node): node is PrunableNode {
  return kindOf(node.layer).connections !== undefined
}

/** How the weight of a prunable layer connects its input to its output. */
export function connectionsOf({ layer }: PrunableNode): Connections<Layer> {
  return kindOf(layer).connections!
}

/** How the first two dimensions of a weight split into channels: `[groups, first / groups, second, kernel]`. */
export interface Parting {
  readonly groups: number
  /** Whether the first are inputs and the second outputs, and not the other way round. */
  readonly inputsFirst: boolean
}

export function parting(node: PrunableNode): Parting {
  const { groups, inputsFirst = false } = connectionsOf(node)
  return { groups: groups(node.layer), inputsFirst }
}

/** The dimension of a layer's weight along which its output channels are. */
export function outputAxis(node: PrunableNode): 0 | 1 {
  return parting(node).inputsFirst ? 1 : 0
}

/** The shapes of a layer's parameters, by their own names. */
export function parameterShapes(layer: Layer): ReadonlyMap<string, Shape> {
  return shapesOf(layer, kindOf(layer).parameters)
}

/** The shapes of a layer's buffers, by their own names. */
export function bufferShapes(layer: Layer): ReadonlyMap<string, Shape> {
  return shapesOf(layer, kindOf(layer).buffers)
}

function shapesOf(
  layer: Layer,
  tensors: Readonly<Record<string, (layer: Layer) => Shape | undefined>> = {},
): Map<string, Shape> {
  const shapes = Object.entries(tensors).map(([name, shape]) => [name, shape(layer)] as const)
  return new Map(shapes.flatMap(([name, shape]) => (shape ? [[name, shape]] : [])))
}

/** The cost of each layer with connections, in order (the paper's tables count these alone). */
export function layerCosts(nodes: readonly Node[]): LayerCost[] {
  return nodes.filter(isPrunable).map((node) => {
    const { layer, name, inputShapes, shape } = node
    const { kind, places } = connectionsOf(node)
    const parameters = parameterShapes(layer)
    const weights = product(parameters.get('weight')!)
    const biases = parameters.get('bias')?.[0] ?? 0
    return { name, kind, weights, biases, flop: 2 * weights * places(inputShapes[0]!, shape) }
  })
}

/** Weights and biases of all layers, those of normalizations included. */
export function parameterCount(nodes: readonly Pick<Node, 'layer'>[]): number {
  const counts = nodes.flatMap(({ layer }) => [...parameterShapes(layer).values()].map(product))
  return counts.reduce((sum, count) => sum + count, 0)
}
