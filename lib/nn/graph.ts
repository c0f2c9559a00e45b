import { isObject, list } from '../base/collection.js'
import { kind, whole } from '../base/kind.js'
import { quoted } from '../base/shown.js'
import { TorchPruneError } from '../errors.js'
import { layerKind } from './layer_kind.js'
import type { Layer, LayerKind, PrunableKind } from './layers.js'
import { outputShape, type Shape } from './shapes.js'

/** The kind of each layer by its name: what the compiler knows of a network. */
export type LayerKinds = Readonly<Record<string, LayerKind>>

/** Layers by name, in the order in which they run. */
export type Layers = Readonly<Record<string, Layer>>

/** The kinds of layers described by `S`. */
export type KindsOf<S extends Layers> = { readonly [N in keyof S & string]: S[N]['kind'] }

/** Names of layers; `string` for a network built at run time. */
export type LayerName<K extends LayerKinds> = keyof K & string

type NameOfKind<K extends LayerKinds, Wanted extends LayerKind> = {
  [N in keyof K & string]: Extract<K[N], Wanted> extends never ? never : N
}[keyof K & string]

/** Names of layers with connections to prune. */
export type PrunableName<K extends LayerKinds> = NameOfKind<K, PrunableKind>
/** Names of dropout layers. */
export type DropoutName<K extends LayerKinds> = NameOfKind<K, 'dropout'>

/** Parameters and buffers under PyTorch's names; `string` for a network built at run time. */
export type ParameterName<K extends LayerKinds> = string extends keyof K ? string : KnownParameterName<K>

type KnownParameterName<K extends LayerKinds> =
  | `${NameOfKind<K, PrunableKind | 'batchNorm2d'>}.${'weight' | 'bias'}`
  | `${NameOfKind<K, 'batchNorm2d'>}.${'running_mean' | 'running_var' | 'num_batches_tracked'}`

/** Layers whose `from` names layers of the same network; anything else does not compile. */
export type Connected<S extends Layers> = {
  readonly [N in keyof S]: [SourcesOf<S[N]>] extends [SourceIn<S>]
    ? S[N]
    : { readonly from?: SourceIn<S> | readonly SourceIn<S>[] }
}
type SourceIn<S extends Layers> = (keyof S & string) | 'input'
type SourcesOf<L extends Layer> = L extends { readonly from?: infer F }
  ? F extends readonly (infer Each)[]
    ? Each
    : Exclude<F, undefined>
  : never

const sampleShape = list(whole(1), 'the shape of one sample, such as [1, 28, 28]', 1)
const layersByName = kind<Layers>('an object of layers by name, such as { fc: linear(784, 10) }', isObject)

/** A layer in its place: what it reads, and the shape of one sample of its output. */
export interface Node {
  readonly name: string
  readonly layer: Layer
  readonly inputs: readonly string[]
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
    nodes.push({ name, layer, inputs, shape })
    shapes.set(name, shape)
    previous = name
  }
  if (nodes.length === 0) throw new TorchPruneError('ERR_ARGUMENT', 'a network needs at least one layer')
  return nodes
}

/** Names a group of layers: `prefix('layer1.0', {conv1: …})` has `layer1.0.conv1`, and `from` follows. */
export function prefix<const P extends string, const S extends Layers>(
  group: P,
  layers: S & Connected<S>,
): { readonly [N in keyof S & string as `${P}.${N}`]: S[N] } {
  const rename = (name: string) => (Object.hasOwn(layers, name) ? `${group}.${name}` : name)
  const renamed = Object.entries(layers as Layers).map(([name, layer]) => {
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
