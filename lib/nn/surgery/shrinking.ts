import { HeldTensors } from '../../tensor/held.js'
import { type Argument, invokeLater } from '../../tensor/invoke.js'
import { Tensor } from '../../tensor/tensor.js'
import { isPrunable, type Parting, parting } from '../cost.js'
import { type Layers, type Node, resolveGraph } from '../graph.js'
import { kindOf } from '../layer_kind.js'
import type { Layer } from '../layers/index.js'
import type { WeightHolder } from '../weight_holder.js'
import { type ChannelGroup, type Consumer, channelGroups } from './channels.js'
import { type Constants, constantOutputs, foldsExactly } from './constants.js'
import { addedBy, anyAlive, balanced, channelsAlive, constantsOf, pickChannels } from './cutting.js'

/** What went from a layer. */
export interface RemovedNeurons {
  readonly layer: string
  readonly neurons: number
  readonly of: number
}

/** Why neurons that look dead stayed. */
export interface KeptNeurons {
  readonly layers: readonly string[]
  readonly neurons: number
  /**
   * `coupled`: a residual sum needs the channel for another of its terms. `padding`: a constant other than 0 that
   * enters a padded layer differs at the border. `groups`: grouped convolutions need groups of one size.
   * `neighbors`: a local response normalization looks at the channels beside it. `normalized`: a normalization takes
   * its statistics over several channels. `last`: a layer keeps one neuron.
   */
  readonly reason: 'coupled' | 'padding' | 'groups' | 'neighbors' | 'normalized' | 'last'
}

/**
 * Parameters that lose rows and columns, until nothing more can go. Whatever looks at all elements of a weight is a
 * job, and what it found is kept until that weight changes.
 */
export class Shrinking {
  readonly tensors = new Map<string, Tensor>()
  readonly #sizes: Map<string, { neurons: number; of: number }>
  #nodes: readonly Node[]
  readonly #inputShape: readonly number[]
  readonly #rows = new Map<string, readonly boolean[]>()
  readonly #columns = new Map<string, readonly boolean[]>()
  kept: KeptNeurons[] = []

  private constructor(network: WeightHolder) {
    this.#nodes = network.nodes
    this.#inputShape = network.inputShape
    const prunable = this.#nodes.filter(isPrunable)
    this.#sizes = new Map(prunable.map(({ name, shape }) => [name, { neurons: 0, of: shape[0]! }]))
  }

  /** Begins with what a network holds now, which stays as it is. */
  static async of(network: WeightHolder): Promise<Shrinking> {
    const work = new Shrinking(network)
    using held = new HeldTensors()
    const take = async (name: string, values: Tensor) => {
      work.tensors.set(name, values.device === 'cpu' ? values : await toCpu(held.use(values)))
    }
    for (const [name, values] of await network.snapshot()) await take(name, values)
    for (const layer of network.prunable) {
      const mask = network.mask(layer)
      if (mask) await take(`${layer}.weight_mask`, mask)
      const codebook = network.codebook(layer)
      codebook?.values.dispose()
      if (codebook) await take(`${layer}.weight_index`, codebook.index)
    }
    return work
  }

  #node(name: string): Node {
    return this.#nodes.find((node) => node.name === name)!
  }

  /** The layers as they are now. */
  get layers(): Layers {
    return Object.fromEntries(this.#nodes.map(({ name, layer }) => [name, layer]))
  }

  removed(): RemovedNeurons[] {
    return [...this.#sizes].flatMap(([layer, size]) => (size.neurons > 0 ? [{ layer, ...size }] : []))
  }

  /** Removes all that can go: what goes from one layer may leave neurons of another without connections. */
  async run(signal?: AbortSignal): Promise<void> {
    do signal?.throwIfAborted()
    while (await this.#pass())
  }

  /** Removes what can go from one group; whether there was one. */
  async #pass(): Promise<boolean> {
    const constants = await this.#constants()
    this.kept = []
    for (const group of channelGroups(this.#inputShape, this.#nodes)) {
      const gone = await this.#removable(group, constants)
      if (gone.length === 0) continue
      await this.#remove(group, gone, constants)
      // Sizes have changed: what was found of the others no longer fits.
      return true
    }
    return false
  }

  async #constants(): Promise<Map<string, Constants>> {
    for (const { name } of this.#nodes.filter(isPrunable)) await this.#rowAlive(name)
    return constantOutputs(this.#inputShape[0]!, this.#nodes, (layer) => ({
      alive: () => this.#rows.get(layer)!,
      numbers: (name) => this.#numbers(`${layer}.${name}`),
    }))
  }

  #numbers(name: string): number[] | undefined {
    return this.tensors.get(name)?.flatten().toArray() as number[] | undefined
  }

  /** Of each output channel of a layer, whether any connection leads into it. */
  async #rowAlive(layer: string): Promise<readonly boolean[]> {
    const rows = this.#rows.get(layer) ?? (await this.#anyAlive(layer, 'outputs'))
    this.#rows.set(layer, rows)
    return rows
  }

  /** Of each input of a layer's weight, whether any connection leads out of it. */
  async #columnAlive(layer: string): Promise<readonly boolean[]> {
    const alive = this.#columns.get(layer) ?? (await this.#anyAlive(layer, 'inputs'))
    this.#columns.set(layer, alive)
    return alive
  }

  async #anyAlive(name: string, side: 'inputs' | 'outputs'): Promise<boolean[]> {
    const node = this.#node(name)
    if (!isPrunable(node)) return []
    return anyAlive(this.tensors.get(`${name}.weight`)!, parting(node), side)
  }

  async #removable(group: ChannelGroup, constants: ReadonlyMap<string, Constants>): Promise<number[]> {
    if (group.fixed === 'input' || group.fixed === 'output' || group.producers.length === 0) return []
    const rows = await Promise.all(group.producers.map((node) => this.#rowAlive(node.name)))
    const fixed = group.fixed
    const reads = await Promise.all(
      group.consumers.map(async (consumer) => ({
        ...consumer,
        alive: fixed
          ? undefined
          : channelsAlive(await this.#columnAlive(consumer.node.name), consumer, group.size),
        constant: constantsOf(constants, consumer, group.size),
      })),
    )
    const gone: number[] = []
    const stays = { coupled: 0, padding: 0, groups: 0, neighbors: 0, normalized: 0, last: 0 }
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
    const left = balanced(gone, group)
    stays.groups += gone.length - left.length
    if (left.length === group.size) {
      for (let block = 1; block <= group.blocks; block++)
        left.splice((block * group.size) / group.blocks - block, 1)
      stays.last += group.blocks
    }
    const layers = group.producers.map((node) => node.name)
    for (const [reason, neurons] of Object.entries(stays)) {
      if (neurons > 0) this.kept.push({ layers, neurons, reason: reason as KeptNeurons['reason'] })
    }
    return left
  }

  async #remove(
    group: ChannelGroup,
    gone: readonly number[],
    constants: ReadonlyMap<string, Constants>,
  ): Promise<void> {
    for (const consumer of group.consumers) {
      await this.#fold(consumer, gone, constantsOf(constants, consumer, group.size))
      this.#forget(consumer.node.name)
    }
    const dead = new Set(gone)
    const left = Array.from({ length: group.size }, (_, c) => c).filter((c) => !dead.has(c))
    await pickChannels(this.tensors, group, left)
    for (const { name } of group.producers) this.#neuronsGone(name, gone.length)
    for (const { node } of group.members) this.#neuronsGone(node.name, gone.length)
    this.#resize(group, -gone.length)
  }

  #neuronsGone(layer: string, count: number): void {
    this.#forget(layer)
    const size = this.#sizes.get(layer)
    if (size) size.neurons += count
  }

  /** Drops what was found of a layer whose weight has changed. */
  #forget(layer: string): void {
    this.#rows.delete(layer)
    this.#columns.delete(layer)
  }

  /** What constant channels add to each output goes into the bias. */
  async #fold(consumer: Consumer, gone: readonly number[], constant: Constants): Promise<void> {
    const { node } = consumer
    const paying = gone.filter((c) => constant[c] !== 0 && !Number.isNaN(constant[c]!))
    // Where a constant does not fold, no connection leads out of those that go.
    if (paying.length === 0 || !foldsExactly(node, constant[paying[0]!]!)) return
    const weight = this.tensors.get(`${node.name}.weight`)!
    const bias = this.tensors.get(`${node.name}.bias`)
    using held = new HeldTensors()
    const later = async (operator: string, ...values: Argument[]) =>
      held.use(Tensor.wrap(await invokeLater(operator, ...values)))
    const added = held.use(await addedBy(paying, constant, consumer, weight, this.#parting(node.name).groups))
    const sum = Tensor.wrap(
      await invokeLater(
        'to.dtype',
        bias ? await later('add.Tensor', await later('to.dtype', bias, 'float64'), added) : added,
        'float32',
      ),
    )
    bias?.dispose()
    this.tensors.set(`${node.name}.bias`, sum)
    if (!bias) this.#change(node.name, (layer) => ({ ...layer, bias: true }) as Layer)
  }

  /** How a layer's weight, if it has one, splits into channels. */
  #parting(name: string): Parting {
    const node = this.#node(name)
    return isPrunable(node) ? parting(node) : { groups: 1, inputsFirst: false }
  }

  #resize(group: ChannelGroup, by: number): void {
    const resize = (name: string, side: 'in' | 'out' | 'both', by: number) =>
      this.#change(name, (layer) => kindOf(layer).resize!(layer, side, by) as Layer)
    for (const { name } of group.producers) resize(name, 'out', by)
    for (const { node, columns } of group.consumers) resize(node.name, 'in', by * columns)
    for (const { node } of group.members) resize(node.name, 'both', by)
    // Shapes after the change follow from the layers.
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

async function toCpu(values: Tensor): Promise<Tensor> {
  return Tensor.wrap(await invokeLater('to.device', values, 'cpu', values.dtype))
}
