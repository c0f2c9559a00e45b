import { TorchPruneError } from '../base/errors.js'
import { quoted } from '../base/files.js'
import type { OnnxGraph, OnnxNode } from '../formats/onnx/graph.js'
import type { StoredTensor } from '../tensor/bytes.js'
import type { Node } from './graph.js'
import { kindOf } from './layer_kind.js'
import {
  type OnnxConstant,
  type OnnxOperator,
  type OnnxPlace,
  type OnnxValue,
  op,
} from './layers/parts/onnx.js'
import type { Shape } from './shapes.js'

const INPUT = 'input'
const OUTPUT = 'output'
/** Stands for the number of samples, which is known only when the graph runs. */
const BATCH = 'batch'

/** A network, as far as its ONNX form needs it. */
export interface OnnxSource {
  readonly inputShape: Shape
  readonly nodes: readonly Node[]
  /** Its parameters and buffers by PyTorch's names. */
  readonly tensors: ReadonlyMap<string, StoredTensor>
  /** Of those that are bytes in `tensors`: what makes floats of them. */
  readonly coded: ReadonlyMap<string, OnnxCode>
}

/** What an int8 is worth in each channel along a dimension, or the values that a uint8 counts. */
export type OnnxCode =
  | { readonly kind: 'levels'; readonly axis: number; readonly scales: StoredTensor }
  | { readonly kind: 'shared'; readonly values: StoredTensor }

/** The number of int32 among ONNX's types. */
const INT32 = 6

/**
 * The graph that a network computes in evaluation mode. Its values are called as the layers that put them out, and its
 * parameters as PyTorch calls them.
 *
 * @param path names the file in errors
 * @throws TorchPruneError `ERR_ARGUMENT` for a layer that ONNX cannot express, or names that clash.
 */
export function onnxGraph(source: OnnxSource, path: string): OnnxGraph {
  const { inputShape, nodes } = source
  const last = nodes.at(-1)!
  const claim = namesOf(path)
  const own = nodes.map((node) => operatorsOf(node, node === last ? OUTPUT : node.name, source, claim, path))
  return {
    name: 'network',
    inputs: [{ name: INPUT, shape: [BATCH, ...inputShape] }],
    outputs: [{ name: OUTPUT, shape: [BATCH, ...last.shape] }],
    nodes: own.flatMap(({ nodes }) => nodes),
    initializers: new Map(own.flatMap(({ initializers }) => [...initializers])),
  }
}

/** Takes a name for a layer; throws where another one has it. */
type Claim = (name: string, layer: string) => void

function namesOf(path: string): Claim {
  const owners = new Map([[INPUT, 'the network itself']])
  return (name, layer) => {
    const owner = owners.get(name)
    owners.set(name, `layer ${quoted(layer)}`)
    if (owner === undefined) return
    const clash = `in ONNX, layer ${quoted(layer)} and ${owner} would both need the name ${quoted(name)}`
    throw new TorchPruneError('ERR_ARGUMENT', `${path}: ${clash}; rename the layer`)
  }
}

/** What one layer computes, operator after operator, and the tensors that it computes with. */
function operatorsOf(node: Node, output: string, { tensors, coded }: OnnxSource, claim: Claim, path: string) {
  const nodes: OnnxNode[] = []
  const initializers = new Map<string, StoredTensor>()
  const initialize = (name: string, tensor: StoredTensor) => {
    claim(name, node.name)
    initializers.set(name, tensor)
    return name
  }
  const own = (part: string) => {
    const name = `${node.name}.${part}`
    const tensor = tensors.get(name)
    const code = coded.get(name)
    if (tensor === undefined || code === undefined) return tensor && initialize(name, tensor)
    if (code.kind === 'shared') {
      const index = op('Cast', [initialize(`${name}_index`, tensor)], { to: INT32 })
      return append(op('Gather', [initialize(`${name}_values`, code.values), index], { axis: 0 }), name, name)
    }
    const inputs = [initialize(`${name}_quantized`, tensor), initialize(`${name}_scale`, code.scales)]
    return append(op('DequantizeLinear', inputs, { axis: code.axis }), name, name)
  }
  const names = new Map<OnnxConstant | OnnxOperator, string>()
  const named = (value: OnnxValue | undefined): string => {
    if (value === undefined) return ''
    if (typeof value === 'string') return value
    const before = names.get(value)
    if (before !== undefined) return before
    const isConstant = 'role' in value
    const name = unused(`${node.name}/${isConstant ? value.role : value.operator}`, names.values())
    names.set(value, name)
    return isConstant ? initialize(name, stored(value)) : append(value, name, name)
  }
  const append = ({ operator, inputs, attributes }: OnnxOperator, name: string, output: string) => {
    claim(name, node.name)
    if (output !== name) claim(output, node.name)
    nodes.push({ name, operator, inputs: withoutLast(inputs.map(named)), output, attributes })
    return output
  }
  append(kindOf(node.layer).onnx(node.layer, placeOf(node, own, path)), node.name, output)
  return { nodes, initializers }
}

function placeOf(node: Node, own: OnnxPlace['own'], path: string): OnnxPlace {
  const { name, layer, inputs, inputShapes, shape } = node
  const [first, ...others] = inputs
  return {
    inputs: [first!, ...others],
    inputShape: inputShapes[0]!,
    shape,
    own,
    refuse(reason) {
      const what = `layer ${quoted(name)} (${layer.kind}) cannot be written as ONNX`
      return new TorchPruneError('ERR_ARGUMENT', `${path}: ${what}: ${reason}`)
    },
  }
}

/** The name, with a number where it is taken. */
function unused(name: string, taken: Iterable<string>): string {
  const others = new Set(taken)
  let free = name
  for (let count = 2; others.has(free); count++) free = `${name}${count}`
  return free
}

/** Leaves out the empty names at the end: of optional inputs. */
function withoutLast(names: readonly string[]): string[] {
  return names.slice(0, names.findLastIndex((name) => name !== '') + 1)
}

function stored({ shape, values }: OnnxConstant): StoredTensor {
  const dtype = values instanceof Float32Array ? 'float32' : 'int64'
  return { dtype, shape: [...shape], data: new Uint8Array(values.buffer) }
}
