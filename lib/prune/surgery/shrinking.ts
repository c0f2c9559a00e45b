import { isPrunable } from '../../nn/cost.js'
import { type Layers, type Node, resolveGraph } from '../../nn/graph.js'
import type { Layer } from '../../nn/layers.js'
import type { AnyNetwork } from '../../nn/network.js'
import { tensor } from '../../tensor/from.js'
import { HeldTensors } from '../../tensor/held.js'
import { type Argument, invokeLater } from '../../tensor/invoke.js'
import { Tensor } from '../../tensor/tensor.js'
import { type ChannelGroup, channelGroups } from './channels.js'
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
   * `neighbours`: a local response normalisation looks at the channels beside it. `last`: a layer keeps one neuron.
   */
  readonly reason: 'coupled' | 'padding' | 'groups' | 'neighbours' | 'last'
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
    const list = (name: string) => this.#numbers(name)
    for (const { name } of this.#nodes.filter(isPrunable)) await this.#rowAlive(name)
    return constantOutputs(this.#inputShape[0]!, this.#nodes, {
      rowAlive: (layer) => this.#rows.get(layer)!,
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

  async #rowAlive(layer: string): Promise<readonly boolean[]> {
    const rows = this.#rows.get(layer) ?? (await anyAlive(this.tensors.get(`${layer}.weight`)!, 1, 0))
    this.#rows.set(layer, rows)
    return rows
  }

  /** Of each input channel, whether any connection leads out of it. `columns` of the weight make a channel. */
  async #columnAlive(layer: string, columns: number): Promise<readonly boolean[]> {
    const alive =
      this.#columns.get(layer) ?? (await anyAlive(this.tensors.get(`${layer}.weight`)!, columns, 1))
    this.#columns.set(layer, alive)
    return alive
  }

  async #removable(group: ChannelGroup, constants: ReadonlyMap<string, Constants>): Promise<number[]> {
    if (group.fixed === 'input' || group.fixed === 'output' || group.producers.length === 0) return []
    const rows = await Promise.all(group.producers.map((node) => this.#rowAlive(node.name)))
    const fixed = group.fixed
    const reads = await Promise.all(
      group.consumers.map(async (consumer) => ({
        ...consumer,
        alive: fixed ? undefined : await this.#columnAlive(consumer.node.name, consumer.columns),
        constant: constants.get(consumer.source)!,
      })),
    )
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

  async #remove(
    group: ChannelGroup,
    gone: readonly number[],
    constants: ReadonlyMap<string, Constants>,
  ): Promise<void> {
    const dead = new Set(gone)
    const left = Array.from({ length: group.size }, (_, c) => c).filter((c) => !dead.has(c))
    for (const { node, source, columns } of group.consumers) {
      await this.#fold(node, gone, constants.get(source)!, columns)
      const kept = left.flatMap((c) => Array.from({ length: columns }, (_, i) => c * columns + i))
      await this.#select(`${node.name}.weight`, 1, kept)
      await this.#select(`${node.name}.weight_mask`, 1, kept)
      this.#forget(node.name)
    }
    for (const { name } of group.producers) {
      for (const part of ['weight', 'weight_mask', 'bias']) await this.#select(`${name}.${part}`, 0, left)
      this.#forget(name)
      this.#sizes.get(name)!.neurons += gone.length
    }
    for (const { name } of group.norms) {
      for (const part of ['weight', 'bias', 'running_mean', 'running_var'])
        await this.#select(`${name}.${part}`, 0, left)
    }
    this.#resize(group, left.length)
  }

  /** Drops what was found of a layer whose weight has changed. */
  #forget(layer: string): void {
    this.#rows.delete(layer)
    this.#columns.delete(layer)
  }

  /** What constant channels add to each output goes into the bias. */
  async #fold(node: Node, gone: readonly number[], constant: Constants, columns: number): Promise<void> {
    const paying = gone.filter((c) => constant[c] !== 0 && !Number.isNaN(constant[c]!))
    if (paying.length === 0) return
    const weight = this.tensors.get(`${node.name}.weight`)!
    const bias = this.tensors.get(`${node.name}.bias`)
    using held = new HeldTensors()
    const later = async (operator: string, ...values: Argument[]) =>
      held.use(Tensor.wrap(await invokeLater(operator, ...values)))
    const picked = paying.flatMap((c) => Array.from({ length: columns }, (_, i) => c * columns + i))
    const factors = paying.flatMap((c) => Array.from({ length: columns }, () => constant[c]!))
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

  async #select(name: string, dim: number, indices: readonly number[]): Promise<void> {
    const whole = this.tensors.get(name)
    if (whole === undefined) return
    using index = tensor([...indices], { dtype: 'int64' })
    this.tensors.set(name, Tensor.wrap(await invokeLater('index_select', whole, dim, index)))
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

/** Of each row of a weight (`dim` 0), or of each of its input channels of `columns` columns, whether any is not 0. */
async function anyAlive(weight: Tensor, columns: number, dim: 0 | 1): Promise<boolean[]> {
  const [rows, width] = weight.shape as [number, number]
  using alive = Tensor.wrap(await invokeLater('ne.Scalar', weight, 0))
  using byChannel = alive.reshape([rows, width / columns, -1])
  using flags = Tensor.wrap(await invokeLater('any.dims', byChannel, [1 - dim, 2]))
  return (flags.toArray() as number[]).map(Boolean)
}

async function toCpu(values: Tensor): Promise<Tensor> {
  return Tensor.wrap(await invokeLater('to.device', values, 'cpu', values.dtype))
}
