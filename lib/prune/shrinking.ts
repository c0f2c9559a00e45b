import { isPrunable } from '../nn/cost.js'
import { type Layers, type Node, resolveGraph } from '../nn/graph.js'
import type { Layer } from '../nn/layers.js'
import type { AnyNetwork } from '../nn/network.js'
import { noGrad } from '../tensor/autograd.js'
import { tensor } from '../tensor/from.js'
import { scope } from '../tensor/scope.js'
import type { Tensor } from '../tensor/tensor.js'
import { type ChannelGroup, channelGroups } from './channels.js'
import { type Constants, constantOutputs, foldsExactly } from './constants.js'
import type { KeptNeurons, RemovedNeurons } from './shrink.js'

/** Parameters that lose rows and columns, until nothing more can go. */
export class Shrinking {
  readonly tensors = new Map<string, Tensor>()
  readonly #sizes: Map<string, { neurons: number; of: number }>
  #nodes: readonly Node[]
  readonly #inputShape: readonly number[]
  kept: KeptNeurons[] = []

  constructor(network: AnyNetwork) {
    this.#nodes = network.nodes
    this.#inputShape = network.inputShape
    for (const name of network.tensorNames()) {
      using own = network.tensor(name)
      this.tensors.set(
        name,
        noGrad(() => own.detach().cpu().clone()),
      )
    }
    for (const layer of network.prunable) {
      const mask = network.mask(layer)
      if (mask) this.tensors.set(`${layer}.weight_mask`, mask.cpu())
    }
    const prunable = this.#nodes.filter(isPrunable)
    this.#sizes = new Map(prunable.map(({ name, shape }) => [name, { neurons: 0, of: shape[0]! }]))
  }

  #layer(name: string): Layer {
    return this.#nodes.find((node) => node.name === name)!.layer
  }

  /** The layers as they are now. */
  get layers(): Layers {
    return Object.fromEntries(this.#nodes.map(({ name, layer }) => [name, layer]))
  }

  removed(): RemovedNeurons[] {
    return [...this.#sizes].flatMap(([layer, size]) => (size.neurons > 0 ? [{ layer, ...size }] : []))
  }

  /** Removes all that can go: what goes from one layer may leave neurons of another without connections. */
  run(): void {
    while (this.#pass());
  }

  /** Removes what can go from one group; whether there was one. */
  #pass(): boolean {
    const constants = this.#constants()
    this.kept = []
    for (const group of channelGroups(this.#inputShape, this.#nodes)) {
      const gone = this.#removable(group, constants)
      if (gone.length === 0) continue
      this.#remove(group, gone, constants)
      // Sizes have changed: what was found of the others no longer fits.
      return true
    }
    return false
  }

  #constants(): Map<string, Constants> {
    const list = (name: string) => this.#numbers(name)
    return constantOutputs(this.#inputShape[0]!, this.#nodes, {
      rowAlive: (layer) => this.#rowAlive(layer),
      bias: (layer) => list(`${layer}.bias`),
      affine: (layer) => {
        const { eps } = this.#layer(layer) as Extract<Layer, { kind: 'batchNorm2d' }>
        const [weight, bias, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map(
          (part) => list(`${layer}.${part}`)!,
        ) as [number[], number[], number[], number[]]
        const scale = weight.map((w, c) => w / Math.sqrt(variance[c]! + eps))
        return { scale, shift: bias.map((b, c) => b - scale[c]! * mean[c]!) }
      },
    })
  }

  #numbers(name: string): number[] | undefined {
    return this.tensors.get(name)?.toArray() as number[] | undefined
  }

  #rowAlive(layer: string): boolean[] {
    return scope(() => flags(this.tensors.get(`${layer}.weight`)!.ne(0).flatten(1).any(1)))
  }

  /** Of each input channel, whether any connection leads out of it. `columns` of the weight make a channel. */
  #columnAlive(layer: string, columns: number): boolean[] {
    return scope(() => {
      const weight = this.tensors.get(`${layer}.weight`)!.ne(0)
      const [rows] = weight.shape as [number]
      const byColumn = weight.reshape([rows, weight.shape[1]! / columns, -1])
      return flags(byColumn.any(2).any(0))
    })
  }

  #removable(group: ChannelGroup, constants: ReadonlyMap<string, Constants>): number[] {
    if (group.fixed === 'input' || group.fixed === 'output' || group.producers.length === 0) return []
    const rows = group.producers.map((node) => this.#rowAlive(node.name))
    const fixed = group.fixed
    const reads = group.consumers.map((consumer) => ({
      ...consumer,
      alive: fixed ? undefined : this.#columnAlive(consumer.node.name, consumer.columns),
      constant: constants.get(consumer.source)!,
    }))
    const gone: number[] = []
    const stays = { coupled: 0, padding: 0, groups: 0, neighbours: 0, last: 0 }
    for (let c = 0; c < group.size; c++) {
      const silent = rows.some((alive) => !alive[c])
      if (fixed) {
        if (silent) stays[fixed]++
        continue
      }
      const needed = reads.filter(
        ({ alive, constant, node }) => alive![c] && !foldsExactly(node, constant[c]!),
      )
      if (needed.length === 0) gone.push(c)
      else if (needed.every(({ constant }) => !Number.isNaN(constant[c]!))) stays.padding++
      else if (silent || needed.length < reads.length) stays.coupled++
    }
    if (gone.length === group.size) {
      gone.pop()
      stays.last++
    }
    const layers = group.producers.map((node) => node.name)
    for (const [reason, neurons] of Object.entries(stays)) {
      if (neurons > 0) this.kept.push({ layers, neurons, reason: reason as KeptNeurons['reason'] })
    }
    return gone
  }

  #remove(group: ChannelGroup, gone: readonly number[], constants: ReadonlyMap<string, Constants>): void {
    const dead = new Set(gone)
    const left = Array.from({ length: group.size }, (_, c) => c).filter((c) => !dead.has(c))
    for (const { node, source, columns } of group.consumers) {
      this.#fold(node, gone, constants.get(source)!, columns)
      const kept = left.flatMap((c) => Array.from({ length: columns }, (_, i) => c * columns + i))
      this.#select(`${node.name}.weight`, 1, kept)
      this.#select(`${node.name}.weight_mask`, 1, kept)
    }
    for (const { name } of group.producers) {
      for (const part of ['weight', 'weight_mask', 'bias']) this.#select(`${name}.${part}`, 0, left)
      this.#sizes.get(name)!.neurons += gone.length
    }
    for (const { name } of group.norms) {
      for (const part of ['weight', 'bias', 'running_mean', 'running_var'])
        this.#select(`${name}.${part}`, 0, left)
    }
    this.#resize(group, left.length)
  }

  /** What constant channels add to each output goes into the bias. */
  #fold(node: Node, gone: readonly number[], constant: Constants, columns: number): void {
    const paying = gone.filter((c) => constant[c] !== 0 && !Number.isNaN(constant[c]!))
    if (paying.length === 0) return
    const weight = this.tensors.get(`${node.name}.weight`)!
    const bias = this.tensors.get(`${node.name}.bias`)
    const sum = scope(() => {
      const picked = paying.flatMap((c) => Array.from({ length: columns }, (_, i) => c * columns + i))
      const factors = paying.flatMap((c) => Array.from({ length: columns }, () => constant[c]!))
      const rows = weight.indexSelect(1, tensor(picked, { dtype: 'int64' })).to('float64')
      const perColumn = weight.shape.length === 2 ? rows : rows.flatten(2).sum(2)
      const added = perColumn.matmul(tensor(factors, { dtype: 'float64' }))
      return (bias ? bias.to('float64').add(added) : added).to('float32')
    })
    bias?.dispose()
    this.tensors.set(`${node.name}.bias`, sum)
    if (!bias) this.#change(node.name, (layer) => ({ ...layer, bias: true }) as Layer)
  }

  #select(name: string, dim: number, indices: readonly number[]): void {
    const whole = this.tensors.get(name)
    if (whole === undefined) return
    this.tensors.set(
      name,
      scope(() => whole.indexSelect(dim, tensor([...indices], { dtype: 'int64' }))),
    )
    whole.dispose()
  }

  #resize(group: ChannelGroup, size: number): void {
    for (const { name } of group.producers) {
      this.#change(name, (layer) => resized(layer, 'out', size))
    }
    for (const { node, columns } of group.consumers)
      this.#change(node.name, (layer) => resized(layer, 'in', size * columns))
    for (const { name } of group.norms) this.#change(name, (layer) => resized(layer, 'in', size))
    // Shapes behind the change follow from the layers.
    this.#nodes = resolveGraph(this.#inputShape, this.layers)
  }

  #change(name: string, edit: (layer: Layer) => Layer): void {
    this.#nodes = this.#nodes.map((node) =>
      node.name === name ? { ...node, layer: edit(node.layer) } : node,
    )
  }

  [Symbol.dispose](): void {
    for (const held of this.tensors.values()) held.dispose()
  }
}

/** A layer with another number of channels on one side. */
function resized(layer: Layer, side: 'in' | 'out', size: number): Layer {
  if (layer.kind === 'linear') return { ...layer, [side === 'in' ? 'inFeatures' : 'outFeatures']: size }
  if (layer.kind === 'conv2d') return { ...layer, [side === 'in' ? 'inChannels' : 'outChannels']: size }
  return { ...layer, features: size } as Layer
}

function flags(values: Tensor): boolean[] {
  return (values.toArray() as number[]).map(Boolean)
}
