import { bufferShapes, isPrunable, parameterShapes, parting } from '../../nn/cost.js'
import { type Layers, type Node, resolveGraph } from '../../nn/graph.js'
import { kindOf } from '../../nn/layer_kind.js'
import type { Layer } from '../../nn/layers/index.js'
import type { AnyNetwork } from '../../nn/network.js'
import { tensor } from '../../tensor/from.js'
import { HeldTensors } from '../../tensor/held.js'
import { type Argument, invokeLater } from '../../tensor/invoke.js'
import { Tensor } from '../../tensor/tensor.js'
import { type ChannelGroup, type Consumer, channelGroups } from './channels.js'
import { type Constants, constantOutputs, foldsExactly } from './constants.js'

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
   * `neighbours`: a local response normalization looks at the channels beside it. `normalized`: a normalization takes
   * its statistics over several channels. `last`: a layer keeps one neuron.
   */
  readonly reason: 'coupled' | 'padding' | 'groups' | 'neighbours' | 'normalized' | 'last'
}

/**
 * Parameters that lose rows and columns, until nothing more can go. Whatever looks at all elements of a weight is a job,
 * and what it found is kept until that weight changes.
 */
export class Shrinking {
  readonly tensors = new Map<string, Tensor>()
  readonly #sizes: Map<string, { neurons: number; of: number }>
  #nodes: readonly Node[]
  readonly #inputShape: readonly number[]
  readonly #rows = new Map<string, readonly boolean[]>()
  readonly #columns = new Map<string, readonly boolean[]>()
  kept: KeptNeurons[] = []

  private constructor(network: AnyNetwork) {
    this.#nodes = network.nodes
    this.#inputShape = network.inputShape
    const prunable = this.#nodes.filter(isPrunable)
    this.#sizes = new Map(prunable.map(({ name, shape }) => [name, { neurons: 0, of: shape[0]! }]))
  }

  /** Begins with what a network holds now, which stays as it is. */
  static async of(network: AnyNetwork): Promise<Shrinking> {
    const work = new Shrinking(network)
    using held = new HeldTensors()
    const take = async (name: string, values: Tensor) => {
      work.tensors.set(name, values.device === 'cpu' ? values : await toCpu(held.use(values)))
    }
    for (const [name, values] of await network.snapshot()) await take(name, values)
    for (const layer of network.prunable) {
      const mask = network.mask(layer)
      if (mask) await take(`${layer}.weight_mask`, mask)
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
    const { groups, inputsFirst } = parting(node)
    const weight = this.tensors.get(`${name}.weight`)!
    const [first, second] = weight.shape as [number, number]
    using alive = Tensor.wrap(await invokeLater('ne.Scalar', weight, 0))
    using parted = alive.reshape([groups, first / groups, second, -1])
    const other = (side === 'outputs') === inputsFirst ? 1 : 2
    using flags = Tensor.wrap(await invokeLater('any.dims', parted, [other, 3]))
    using flat = flags.flatten()
    return (flat.toArray() as number[]).map(Boolean)
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
    const stays = { coupled: 0, padding: 0, groups: 0, neighbours: 0, normalized: 0, last: 0 }
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

  async #remove(
    group: ChannelGroup,
    gone: readonly number[],
    constants: ReadonlyMap<string, Constants>,
  ): Promise<void> {
    const dead = new Set(gone)
    for (const consumer of group.consumers) {
      const { name } = consumer.node
      await this.#fold(consumer, gone, constantsOf(constants, consumer, group.size))
      const away = new Set(gone.flatMap((c) => columnsOf(c, consumer)))
      await this.#drop(name, ['weight', 'weight_mask'], this.#axis(name, 'inputs'), away)
      this.#forget(name)
    }
    for (const { name } of group.producers) {
      await this.#drop(name, ['weight', 'weight_mask'], this.#axis(name, 'outputs'), dead)
      await this.#drop(name, ['bias'], 0, dead)
      this.#neuronsGone(name, gone.length)
    }
    for (const { node, first } of group.members) {
      const { name, layer } = node
      const channels = new Set(gone.map((c) => first + c))
      const shapes = [...parameterShapes(layer), ...bufferShapes(layer)]
      const own = shapes.flatMap(([part, shape]) => (shape.length > 0 ? [part] : []))
      await this.#drop(name, [...own, 'weight_mask'], 0, channels)
      this.#neuronsGone(name, gone.length)
    }
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
    const picked = paying.flatMap((c) => columnsOf(c, consumer))
    const factors = paying.flatMap((c) => columnsOf(c, consumer).map(() => constant[c]!))
    const indices = held.use(tensor(picked, { dtype: 'int64' }))
    const rows = await later('to.dtype', await later('index_select', weight, 1, indices), 'float64')
    const flat = held.use(rows.flatten(Math.min(2, rows.shape.length - 1)))
    const perColumn = weight.shape.length === 2 ? rows : await later('sum.dim_IntList', flat, [2])
    const added = await later('mv', perColumn, held.use(tensor(factors, { dtype: 'float64' })))
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

  /** Takes places along a dimension out of some of a layer's tensors. */
  async #drop(
    layer: string,
    parts: readonly string[],
    dim: number,
    away: ReadonlySet<number>,
  ): Promise<void> {
    for (const part of parts) {
      const name = `${layer}.${part}`
      const whole = this.tensors.get(name)
      if (whole === undefined) continue
      const left = Array.from({ length: whole.shape[dim]! }, (_, i) => i).filter((i) => !away.has(i))
      using index = tensor(left, { dtype: 'int64' })
      this.tensors.set(name, Tensor.wrap(await invokeLater('index_select', whole, dim, index)))
      whole.dispose()
    }
  }

  /** The dimension of a layer's weight that counts its inputs or outputs. */
  #axis(name: string, side: 'inputs' | 'outputs'): 0 | 1 {
    const { inputsFirst = false } = kindOf(this.#node(name).layer).connections ?? {}
    return (side === 'inputs') === inputsFirst ? 0 : 1
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

/** The inputs of a consumer's weight that a channel of its group has. */
function columnsOf(channel: number, { before, columns }: Consumer): number[] {
  return Array.from({ length: columns }, (_, i) => before + channel * columns + i)
}

/** Of each channel of a group, whether a connection of a consumer leads out of it. */
function channelsAlive(columns: readonly boolean[], consumer: Consumer, size: number): boolean[] {
  return Array.from({ length: size }, (_, c) => columnsOf(c, consumer).some((column) => columns[column]))
}

/** The constants of a group's channels, among those of what a consumer reads. */
function constantsOf(
  constants: ReadonlyMap<string, Constants>,
  { source, first }: Consumer,
  size: number,
): Constants {
  return constants.get(source)!.subarray(first, first + size)
}

async function toCpu(values: Tensor): Promise<Tensor> {
  return Tensor.wrap(await invokeLater('to.device', values, 'cpu', values.dtype))
}
