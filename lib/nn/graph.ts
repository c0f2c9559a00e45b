import { isObject, list } from '../base/collection.js'
import { TorchPruneError } from '../base/errors.js'
import { kind, text, whole } from '../base/kind.js'
import { quoted, shown } from '../base/shown.js'
import {
  type DroppingKind,
  type LayerKindName,
  layerKind,
  type PrunableKind,
  type TensorNames,
} from './layer_kind.js'
import type { Layer, LayersByKind } from './layers/index.js'
import { outputShape, type Shape } from './shapes.js'

/** The kind of each layer by its name: what the compiler knows of a network. */
export type LayerKinds = Readonly<Record<string, LayerKindName>>

/** Layers by name, in the order in which they run. */
export type Layers = Readonly<Record<string, Layer>>

// Names are written so that the compiler shows them as what they are, 'fc1' | 'fc2', and not by these types.

/** Names of layers; `string` for a network built at run time. */
export type LayerName<K extends LayerKinds> = string extends keyof K ? string : keyof K & string

type NameOfKind<K extends LayerKinds, Wanted extends LayerKindName> = string extends keyof K
  ? string
  : keyof { [N in keyof K & string as Extract<K[N], Wanted> extends never ? never : N]: unknown } & string

/** Names of layers with connections to prune. */
export type PrunableName<K extends LayerKinds> = NameOfKind<K, PrunableKind>
/** Names of dropout layers. */
export type DropoutName<K extends LayerKinds> = NameOfKind<K, DroppingKind>

/** Parameters and buffers under PyTorch's names; `string` for a network built at run time. */
export type ParameterName<K extends LayerKinds> = string extends keyof K
  ? string
  : { [N in keyof K & string]: `${N}.${TensorNames[K[N]]}` }[keyof K & string]

/** Layers of those kinds whose `from` names layers of the same network; anything else does not compile. */
export type Placed<K extends LayerKinds> = {
  readonly [N in keyof K]: { readonly kind: K[N] } & LayersByKind<(keyof K & string) | 'input'>[K[N]]
}

const sampleShape = list(whole(1), 'the shape of one sample, such as [1, 28, 28]', 1)
const layersByName = kind<Layers>('an object of layers by name, such as { fc: linear(784, 10) }', isObject)

/** A layer in its place: what it reads, and the shape of one sample of its output. */
export interface Node {
  readonly name: string
  readonly layer: Layer
  readonly inputs: readonly string[]
  /** The shape of one sample of each of them. */
  readonly inputShapes: readonly Shape[]
  readonly shape: Shape
}

/**
 * Resolves what each layer reads and its shape. `input` is the shape of one sample, such as `[1, 28, 28]`.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` or `ERR_SHAPE` naming the layer that does not fit.
 */
export function resolveGraph(input: Shape, layers: Layers): Node[] {
  const nodes: Node[] = []
  const shapes = new Map<string, Shape>([['input', sampleShape.read(input, 'network: inputShape')]])
  let previous = 'input'
  for (const [name, described] of Object.entries(layersByName.read(layers, 'network: layers'))) {
    checkName(name)
    const layer = layerKind.read(described, `layer '${name}'`)
    const from = layer.from === undefined ? previous : layer.from
    const inputs = typeof from === 'string' ? [from] : from
    const inputShapes = inputs.map((source) => {
      const shape = shapes.get(source)
      if (shape === undefined) throw unknownInput(name, source, layers)
      return shape
    })
    const shape = outputShape(name, layer, inputShapes)
    nodes.push({ name, layer, inputs, inputShapes, shape })
    shapes.set(name, shape)
    previous = name
  }
  if (nodes.length === 0) throw new TorchPruneError('ERR_ARGUMENT', 'a network needs at least one layer')
  return nodes
}

/** Names a group of layers: `prefix('layer1.0', {conv1: …})` has `layer1.0.conv1`, and `from` follows. */
export function prefix<const P extends string, const K extends LayerKinds>(
  group: P,
  layers: Placed<K>,
): { readonly [N in keyof K & string as `${P}.${N}`]: LayersByKind<never>[K[N]] }
export function prefix(group: string, layers: Layers): Layers {
  text.read(group, 'prefix: group')
  for (const [name, layer] of Object.entries(layersByName.read(layers, 'prefix: layers'))) {
    layerKind.read(layer, `prefix: layer ${shown(name)}`)
  }
  const rename = (name: string) => (Object.hasOwn(layers, name) ? `${group}.${name}` : name)
  const renamed = Object.entries(layers).map(([name, layer]) => {
    const { from } = layer
    if (from === undefined) return [`${group}.${name}`, layer]
    return [
      `${group}.${name}`,
      { ...layer, from: typeof from === 'string' ? rename(from) : from.map(rename) },
    ]
  })
  return Object.fromEntries(renamed)
}

function checkName(name: string): void {
  // Objects list whole-number keys first, whatever their place, so such a name would change the order.
  if (/^\d+$/.test(name)) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `layer '${name}': a name may not be a whole number, use 'layer.${name}'`,
    )
  }
  if (/\p{Cc}/u.test(name)) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `layer ${quoted(name)}: a name may not hold control characters, leave them out`,
    )
  }
  if (name === 'input' || name === '' || name === '__proto__' || /\s/.test(name)) {
    throw new TorchPruneError('ERR_ARGUMENT', `layer '${name}': this name is not allowed, use another`)
  }
}

function unknownInput(name: string, source: string, layers: Layers): TorchPruneError {
  const mend = Object.hasOwn(layers, source) ? 'move it before its reader' : 'check the name'
  return new TorchPruneError(
    'ERR_ARGUMENT',
    `layer '${name}' reads from '${source}', which is not an earlier layer: ${mend}`,
  )
}
