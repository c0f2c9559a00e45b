import { list } from '../base/collection.js'
import { TorchPruneError } from '../base/errors.js'
import { anyOf, type Kind, text, whole, wrongValue } from '../base/kind.js'
import { repeated } from '../base/lists.js'
import { group, type OptionsOf } from '../base/option.js'
import { shown } from '../base/shown.js'
import { nearest, unknownName } from '../base/spelling.js'
import { createModel, type ModelName, type Models, modelNames } from '../models/index.js'
import { dropoutOptions, hiddenSizeOptions } from '../models/options.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { type LayerKinds, type Layers, type PrunableName, resolveGraph } from '../nn/graph.js'
import { layerKind } from '../nn/layer_kind.js'
import type { Layer } from '../nn/layers/index.js'
import { Network } from '../nn/network.js'
import type { NetworkOptions } from '../nn/network_options.js'
import { graphToJson } from '../nn/stored_graph.js'

const modelName: Kind<ModelName> = {
  expected: `the name of a model (${modelNames.join(', ')})`,
  fits: (value) => typeof value === 'string',
  read(value, name) {
    if (typeof value !== 'string') throw wrongValue(name, this.expected, value)
    if (modelNames.includes(value as ModelName)) return value as ModelName
    // The list of all models is only shown for names that resemble none of them.
    const guess = nearest(value, modelNames)
    const message = guess
      ? `there is no model ${shown(value)}: did you mean ${guess}?`
      : unknownName('model', value, modelNames).message
    throw new TorchPruneError('ERR_ARGUMENT', `${name}: ${message}`)
  },
  schema: () => ({ enum: modelNames }),
}

const { classes, hidden, size } = hiddenSizeOptions
export const namedModelOptions = {
  /** The name of a model. */
  name: modelName,
  classes,
  size,
  hidden,
  dropout: dropoutOptions.dropout,
}

export const graphOptions = {
  /** The shape of one sample, such as `[1, 28, 28]`. */
  input: list(whole(1), 'the shape of one sample, such as [1, 28, 28]', 1),
  /** The layers in the order in which they run, as in our files. */
  layers: list(group({ name: text, layer: layerKind }), 'an array of { name, layer }', 1),
}

/** A model by its name, with its options. */
export interface NamedModel extends OptionsOf<typeof namedModelOptions> {}

/** A network, layer by layer, as plain data. */
export interface PlainGraph {
  readonly input: readonly number[]
  readonly layers: readonly { readonly name: string; readonly layer: Layer<string> }[]
}

/**
 * The network of a recipe: the name of a model, with or without options, a layer graph, or a function that makes it.
 */
export type ModelSource = ModelName | NamedModel | PlainGraph | ((options: NetworkOptions) => AnyNetwork)

/** The type of the network that a recipe's model makes. */
export type NetworkOf<Source> = Source extends (options: never) => infer Made
  ? Made
  : Source extends ModelName
    ? ReturnType<Models[Source]>
    : Source extends { readonly name: infer Name extends ModelName }
      ? ReturnType<Models[Name]>
      : AnyNetwork

/** The layers that a criterion for a recipe's model may name. */
export type PrunableIn<Source> =
  NetworkOf<Source> extends { readonly kinds: infer K extends LayerKinds } ? PrunableName<K> : string

const named = group(namedModelOptions)
const graph = group(graphOptions)

/** The network of a recipe as a field of it. */
export const modelKind: Kind<ModelSource> = {
  expected: 'the name of a model, { name, classes, size, hidden, dropout }, or { input, layers }',
  fits: (value) => modelName.fits(value) || named.fits(value) || typeof value === 'function',
  read(value, name) {
    if (typeof value === 'function') return value as (options: NetworkOptions) => AnyNetwork
    if (typeof value === 'string') return modelName.read(value, name)
    if (!named.fits(value)) throw wrongValue(name, this.expected, value)
    const { layers, name: model } = value as Readonly<Record<string, unknown>>
    if (layers === undefined && model === undefined) throw wrongValue(name, this.expected, value)
    if (layers === undefined) return named.read(value, name)
    const read = graph.read(value, name)
    resolve(read, name)
    return read
  },
  schema: (help) => anyOf(modelName, named, graph).schema?.(help),
}

/** Makes the network of a recipe. */
export function makeNetwork(source: ModelSource, options: NetworkOptions = {}): AnyNetwork {
  if (typeof source === 'function') return source(options)
  if (typeof source === 'string') return createModel(source, options)
  if ('layers' in source) return new Network(source.input, layersOf(source), options)
  const { name, ...own } = source
  return createModel(name, { ...own, ...options })
}

/** The network of a recipe as plain data: its graph, if a function makes it. */
export function plainModel(source: ModelSource): Exclude<ModelSource, (options: never) => unknown> {
  if (typeof source !== 'function') return source
  using network = makeNetwork(source)
  return graphToJson(network) as PlainGraph
}

/** Throws if the layers of a graph do not fit each other. */
function resolve({ input, layers }: PlainGraph, name: string): void {
  const twice = repeated(layers.map((one) => one.name))
  if (twice !== undefined)
    throw new TorchPruneError('ERR_ARGUMENT', `${name}: there are two layers '${twice}'`)
  try {
    resolveGraph(input, layersOf({ input, layers }))
  } catch (error) {
    if (!(error instanceof TorchPruneError)) throw error
    throw new TorchPruneError(error.code, `${name}: ${error.message}`, { cause: error })
  }
}

function layersOf({ layers }: PlainGraph): Layers {
  return Object.fromEntries(layers.map(({ name, layer }) => [name, layer])) as Layers
}
