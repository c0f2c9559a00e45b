import type { Node } from './graph.js'
import type { PrunableKind } from './layers.js'

/** Convolutional, or fully connected. */
export type ConnectionKind = 'conv' | 'fc'

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

export function isPrunable(node: Node): node is Node & { layer: { kind: PrunableKind } } {
  return node.layer.kind === 'linear' || node.layer.kind === 'conv2d'
}

/** The cost of each layer with connections, in order (the paper's tables count these alone). */
export function layerCosts(nodes: readonly Node[]): LayerCost[] {
  return nodes.flatMap((node): LayerCost[] => {
    const { layer, name } = node
    if (layer.kind === 'linear') {
      const weights = layer.inFeatures * layer.outFeatures
      return [{ name, kind: 'fc', weights, biases: layer.bias ? layer.outFeatures : 0, flop: 2 * weights }]
    }
    if (layer.kind === 'conv2d') {
      const [kernelHeight, kernelWidth] = layer.kernelSize
      const weights = layer.outChannels * (layer.inChannels / layer.groups) * kernelHeight * kernelWidth
      const [, height, width] = node.shape as readonly [number, number, number]
      return [
        {
          name,
          kind: 'conv',
          weights,
          biases: layer.bias ? layer.outChannels : 0,
          flop: 2 * weights * height * width,
        },
      ]
    }
    return []
  })
}

/** Weights and biases of all layers, batch normalisation's included. */
export function parameterCount(nodes: readonly Node[]): number {
  const connections = layerCosts(nodes).reduce((sum, cost) => sum + cost.weights + cost.biases, 0)
  const normalised = nodes.reduce(
    (sum, { layer }) => sum + (layer.kind === 'batchNorm2d' ? 2 * layer.features : 0),
    0,
  )
  return connections + normalised
}
