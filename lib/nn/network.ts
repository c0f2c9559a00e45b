import { isObject } from '../base/collection.js'
import { type MemoryFormat, memoryFormat as memoryFormatKind } from '../base/compute.js'
import type { DType } from '../base/dtype.js'
import { TorchPruneError } from '../base/errors.js'
import {
  boolean,
  instance,
  type Kind,
  kind,
  number,
  path as pathKind,
  seed as seedKind,
  text,
} from '../base/kind.js'
import { refuseOwned, refuseReading } from '../base/lease.js'
import { type OptionsOf, optional, readOptions } from '../base/option.js'
import { shown } from '../base/shown.js'
import { uncloneable } from '../base/uncloneable.js'
import { loadAddon } from '../binding/addon.js'
import type { NativeMask, NetworkHandle } from '../binding/native.js'
import { runJob } from '../binding/native_job.js'
import { tensorKind } from '../tensor/core.js'
import { type Device, deviceKind } from '../tensor/device.js'
import { Tensor } from '../tensor/tensor.js'
import { isPrunable, type LayerCost, layerCosts, parameterCount } from './cost.js'
import {
  type DropoutName,
  type LayerKinds,
  type LayerName,
  type Layers,
  type Node,
  type ParameterName,
  type Placed,
  type PrunableName,
  resolveGraph,
} from './graph.js'
import { kindOf } from './layer_kind.js'
import { type NetworkOptions, networkOptions } from './network_options.js'
import type { Shape } from './shapes.js'
import { type MaskOptions, maskOptions, type StateKeys, stateOf } from './state.js'
import { putState, saveNetwork } from './weights_file.js'

export type { NetworkOptions } from './network_options.js'

const loadStateOptions = {
  /**
   * Whether missing and unexpected keys are refused; otherwise what is missing stays as it is.
   * @default true
   */
  strict: optional(boolean, true),
}

export interface LoadStateOptions extends OptionsOf<typeof loadStateOptions> {}

const stateKind = kind<Readonly<Record<string, Tensor>>>(
  'an object of tensors by name',
  (value) => isObject(value) && Object.values(value).every((each) => each instanceof Tensor),
)

const CLONING = uncloneable('a network stays in its thread (save it, and load the file there)')
/** Networks of fewer parameters have their initial weights when they are made. */
const DRAWN_AT_ONCE = 1e6

const forwardOptions = {
  /**
   * Switches dropout and batch statistics on.
   * @default false
   */
  training: optional(boolean, false),
}

export interface ForwardOptions extends OptionsOf<typeof forwardOptions> {}

/**
 * A layer graph with its parameters, on a device. Initial weights of large networks are drawn off the event loop while
 * it goes on; what uses them before waits for them. `K` holds the kind of each layer by name, so that naming a
 * layer that is not there, or pruning one without weights, does not compile.
 */
export class Network<K extends LayerKinds = LayerKinds> {
  /** @internal */
  readonly cloning = CLONING
  /** The kinds of the layers: for the compiler alone. */
  declare readonly kinds: K
  /** The layers as described. */
  layers: Layers
  /** The layers in their places, with inputs and shapes. */
  nodes: readonly Node[]
  /** The shape of one sample. */
  readonly inputShape: Shape
  readonly seed: number
  /** @internal */
  handle: NetworkHandle
  #device: Device
  readonly #drawing: Promise<void> | undefined
  readonly #frozen = new Set<string>()
  readonly #dropout = new Map<string, number>()

  /** Whether the one that is being made has its weights drawn when they are first needed, and not before. */
  static #waits = false

  /**
   * A network whose weights will be loaded: large ones are not drawn meanwhile, only to be written over.
   *
   * @internal
   */
  static toLoad(inputShape: Shape, layers: Layers, options: NetworkOptions): Network {
    Network.#waits = true
    try {
      return new Network(inputShape, layers, options)
    } finally {
      Network.#waits = false
    }
  }

  constructor(inputShape: Shape, layers: Layers, options: NetworkOptions = {}) {
    const { seed, device } = readOptions('network', networkOptions, options)
    this.nodes = resolveGraph(inputShape, layers)
    this.inputShape = [...inputShape]
    this.layers = Object.fromEntries(this.nodes.map(({ name, layer }) => [name, layer]))
    this.seed = seed
    this.handle = makeHandle(this.nodes, seed, device)
    this.#device = device
    if (this.parameterCount < DRAWN_AT_ONCE) loadAddon().networkDraw(this.handle)
    // Where that fails, so does whatever needs them.
    else if (!Network.#waits)
      this.#drawing = loadAddon()
        .networkDrawStart(this.handle)
        .promise.catch(() => {})
    for (const { name, layer } of this.nodes) {
      const p = kindOf(layer).dropped?.(layer)
      if (p !== undefined) this.#dropout.set(name, p)
    }
  }

  get device(): Device {
    return this.#device
  }

  /** Moves parameters, buffers, masks and (at their next step) the moments of optimisers. */
  async to(device: Device): Promise<void> {
    refuseOwned(this)
    deviceKind.read(device, 'Network.to: device')
    await runJob(() => loadAddon().networkToStart(this.handle, device))
    this.#device = device
  }

  /** How images and the weights of convolutions lie in memory: `'contiguous'` unless set. */
  get memoryFormat(): MemoryFormat {
    return loadAddon().networkFormat(this.handle)
  }

  /** Lays weights, gradients and masks out anew; the moments of optimisers follow at their next step. */
  async setMemoryFormat(format: MemoryFormat, signal?: AbortSignal): Promise<void> {
    refuseOwned(this)
    if (memoryFormatKind.read(format, 'Network.setMemoryFormat: format') === this.memoryFormat) return
    await runJob(() => loadAddon().networkFormatStart(this.handle, format), signal)
  }

  /** What each layer with connections costs, dense, in order. */
  get costs(): readonly LayerCost[] {
    return layerCosts(this.nodes)
  }

  /** Weights and biases, dense. */
  get parameterCount(): number {
    return parameterCount(this.nodes)
  }

  /** Names of layers with connections, in order. */
  get prunable(): readonly PrunableName<K>[] {
    return this.nodes.filter(isPrunable).map((node) => node.name) as PrunableName<K>[]
  }

  /** Names of all parameters and buffers, in order. */
  tensorNames(): ParameterName<K>[] {
    return loadAddon()
      .networkTensors(this.handle)
      .map((entry) => entry.name as ParameterName<K>)
  }

  /** What each of them is, without looking at its values. @internal */
  tensorShapes(): [name: string, { readonly dtype: DType; readonly shape: readonly number[] }][] {
    return loadAddon()
      .networkTensors(this.handle)
      .map(({ name, dtype, shape }) => [name, { dtype, shape }])
  }

  /** A parameter or buffer itself, not a copy: what is done to it is done to the network. */
  tensor(name: ParameterName<K>): Tensor {
    refuseReading(this)
    return Tensor.wrap(loadAddon().networkTensor(this.handle, text.read(name, 'Network.tensor: name')))
  }

  /**
   * Runs the network on this thread: `[N, ...inputShape]` to `[N, classes]`. Part of autograd's graph, for
   * loops of one's own; `training` switches dropout and batch statistics on.
   */
  forward(input: Tensor, options: ForwardOptions = {}): Tensor {
    const { training } = readOptions('Network.forward', forwardOptions, options)
    const { handle } = tensorKind.read(input, 'Network.forward: input')
    if (training) refuseOwned(this)
    else refuseReading(this)
    return Tensor.wrap(loadAddon().networkForward(this.handle, handle, training))
  }

  /** Settles when the initial weights are there: reading them does not hold the event loop any more. @internal */
  async ready(): Promise<void> {
    await this.#drawing
  }

  /** What parameters and buffers hold now, in tensors of their own that are copied when they are written to. @internal */
  async snapshot(names: readonly string[] = this.tensorNames()): Promise<Map<string, Tensor>> {
    await this.ready()
    return new Map(names.map((name) => [name, Tensor.wrap(loadAddon().networkSnapshot(this.handle, name))]))
  }

  /** The mask of a layer's weight (`bool`, true where kept), a copy; undefined where there is none. */
  mask(layer: PrunableName<K>): Tensor<'bool'> | undefined {
    refuseReading(this)
    const handle = loadAddon().networkMask(this.handle, weightOf(layer, 'Network.mask'))
    return handle && (Tensor.wrap(handle) as Tensor<'bool'>)
  }

  /**
   * Masks a layer's weight and seals what is pruned: +0 in the weight, its gradient and every moment of every
   * optimiser over it, now and after each later `backward()` and `step()`. `keep` has the weight's shape and
   * is non-zero where the weight stays. A new mask replaces the old one; undefined removes it.
   */
  async setMask(layer: PrunableName<K>, keep: Tensor | undefined): Promise<void> {
    const given = keep === undefined ? undefined : tensorKind.read(keep, 'Network.setMask: keep')
    const name = weightOf(layer, 'Network.setMask')
    await this.put([], [{ name, kind: given ? 'sealed' : 'none', keep: given?.handle }])
  }

  /**
   * Masks a layer's weight without sealing it (Guo, Yao and Chen 2016): the network computes with +0 where the mask
   * prunes, while `tensor()` stays dense there and goes on learning, so that a pruned weight may return. `keep` has
   * the weight's shape; without it, what the layer's mask keeps now, or all. Ends with `seal()`.
   */
  async splice(layer: PrunableName<K>, keep?: Tensor): Promise<void> {
    const given = keep === undefined ? undefined : tensorKind.read(keep, 'Network.splice: keep')
    const name = weightOf(layer, 'Network.splice')
    await this.put([], [{ name, kind: 'spliced', keep: given?.handle }])
  }

  /** Names of the layers that are spliced, in order. */
  get spliced(): readonly PrunableName<K>[] {
    const parametrizations = loadAddon().networkParametrizations(this.handle)
    return this.prunable.filter((layer) => parametrizations[`${layer}.weight`] === 'spliced')
  }

  /** Turns spliced masks into ones that seal: what they prune now is +0 and does not return. */
  async seal(): Promise<void> {
    refuseOwned(this)
    const { spliced } = this
    if (spliced.length === 0) return
    await this.put(
      [],
      spliced.map((layer) => ({ name: `${layer}.weight`, kind: 'sealed' })),
    )
  }

  /** Throws `ERR_SEAL` while layers are spliced; `what` needs the pruned weights gone. @internal */
  refuseSpliced(what: string, mend = 'call seal() first'): void {
    const { spliced } = this
    if (spliced.length === 0) return
    throw new TorchPruneError(
      'ERR_SEAL',
      `${what}: the pruned weights of ${spliced.join(', ')} are spliced and may still return; ${mend}`,
    )
  }

  /**
   * Checks, bit for bit, that every pruned place is +0 in weights, gradients and moments.
   *
   * @throws TorchPruneError `ERR_SEAL` naming what is not, or the layers that are spliced.
   */
  async assertSealed(): Promise<void> {
    refuseReading(this)
    this.refuseSpliced('the network is not sealed')
    const broken = Object.entries(await runJob(() => loadAddon().networkUnsealedStart(this.handle)))
    if (broken.length === 0) return
    const list = broken.map(([name, count]) => `${name} (${count})`).join(', ')
    throw new TorchPruneError(
      'ERR_SEAL',
      `pruned weights are not +0 in ${list}: something wrote to them past the mask; set the mask again`,
    )
  }

  /** Fixes layers: no gradient, no backward cost in front of the first layer that trains, evaluation mode. */
  freeze(...layers: readonly LayerName<K>[]): void {
    this.#setTrainable(layers, false)
  }

  unfreeze(...layers: readonly LayerName<K>[]): void {
    this.#setTrainable(layers.length === 0 ? this.frozen : layers, true)
  }

  get frozen(): readonly LayerName<K>[] {
    return [...this.#frozen] as LayerName<K>[]
  }

  #setTrainable(layers: readonly string[], trainable: boolean): void {
    refuseOwned(this)
    for (const layer of layers) {
      text.read(layer, `Network.${trainable ? 'un' : ''}freeze: the name of a layer`)
      loadAddon().networkSetTrainable(this.handle, layer, trainable)
      if (trainable) this.#frozen.delete(layer)
      else this.#frozen.add(layer)
    }
  }

  /** The rate of a dropout layer now. */
  dropout(layer: DropoutName<K>): number {
    const p = this.#dropout.get(layer)
    if (p === undefined) {
      throw new TorchPruneError('ERR_ARGUMENT', `layer ${shown(layer)} is not a dropout layer`)
    }
    return p
  }

  setDropout(layer: DropoutName<K>, p: number): void {
    this.dropout(layer)
    number({ least: 0, most: 1 }).read(p, 'Network.setDropout: p')
    refuseOwned(this)
    loadAddon().networkSetDropout(this.handle, layer, p)
    this.#dropout.set(layer, p)
  }

  /** Restarts what dropout draws from, so that what follows repeats. */
  reseed(seed: number): void {
    refuseOwned(this)
    loadAddon().networkReseed(this.handle, seedKind.read(seed, 'Network.reseed: seed'))
  }

  /** Copies values into a parameter or buffer; a mask on it is applied to them. @internal */
  async load(name: string, values: Tensor): Promise<void> {
    await this.put([[name, values]])
  }

  /** Copies values into parameters and buffers, and sets masks, at once: all of it or nothing. @internal */
  async put(
    values: Iterable<readonly [name: string, values: Tensor]>,
    masks: readonly NativeMask[] = [],
  ): Promise<void> {
    refuseOwned(this)
    const list = Array.from(values, ([name, tensor]) => ({ name, values: tensor.handle }))
    await runJob(() => loadAddon().networkPutStart(this.handle, list, masks))
  }

  /**
   * Writes parameters, buffers, masks and the layer graph as safetensors, whole or not at all.
   *
   * @throws TorchPruneError `ERR_SEAL` while layers are spliced.
   */
  async save(path: string, options: MaskOptions = {}): Promise<void> {
    const { masks } = readOptions('Network.save', maskOptions, options)
    pathKind.read(path, 'Network.save: path')
    this.refuseSpliced(`${path} is not written`, 'call seal() first, or saveCheckpoint() to keep them')
    await saveNetwork(this, path, undefined, masks)
  }

  /**
   * Parameters, buffers and masks by PyTorch's names: copies, which are the caller's to dispose of. Masks are `bool`
   * under `'weight_mask'`.
   *
   * @throws TorchPruneError `ERR_SEAL` while layers are spliced.
   */
  async stateDict(options: MaskOptions = {}): Promise<Record<string, Tensor>> {
    const { masks } = readOptions('Network.stateDict', maskOptions, options)
    refuseReading(this)
    this.refuseSpliced('a state dict is not made')
    return Object.fromEntries(await stateOf(this, masks))
  }

  /**
   * Copies values, and masks in either of the forms that `stateDict()` makes, into the network: all of it or nothing. A
   * layer that comes without a mask has none after it.
   *
   * @returns the keys that were missing, and those that belong to nothing here: empty where `strict`, as in PyTorch.
   * @throws TorchPruneError `ERR_ARGUMENT` naming the first keys that are missing, unexpected, or do not fit.
   */
  async loadStateDict(
    state: Readonly<Record<string, Tensor>>,
    options: LoadStateOptions = {},
  ): Promise<StateKeys> {
    const { strict } = readOptions('Network.loadStateDict', loadStateOptions, options)
    refuseOwned(this)
    stateKind.read(state, 'Network.loadStateDict: state')
    return putState(this, state, strict)
  }

  /** Writes the same with the dense weights of spliced layers, from which `loadNetwork()` splices on. */
  async saveCheckpoint(path: string): Promise<void> {
    await saveNetwork(this, pathKind.read(path, 'Network.saveCheckpoint: path'))
  }

  /**
   * Takes other layers of the same names, and their parameters and masks (`<layer>.weight_mask`), in place of its
   * own. Optimisers over the old parameters no longer reach it. @internal
   */
  async rebuild(layers: Layers, tensors: ReadonlyMap<string, Tensor>): Promise<void> {
    refuseOwned(this)
    const native = loadAddon()
    const nodes = resolveGraph(this.inputShape, layers)
    const old = this.handle
    this.handle = makeHandle(nodes, this.seed, this.#device)
    this.layers = layers
    this.nodes = nodes
    const random = native.networkRandomState(old)
    native.networkSetRandomState(this.handle, random)
    native.tensorDispose(random)
    native.networkDispose(old)
    for (const layer of this.#frozen) native.networkSetTrainable(this.handle, layer, false)
    for (const [layer, p] of this.#dropout) native.networkSetDropout(this.handle, layer, p)
    const masks = this.prunable.flatMap((layer): NativeMask[] => {
      const keep = tensors.get(`${layer}.weight_mask`)
      return keep ? [{ name: `${layer}.weight`, kind: 'sealed', keep: keep.handle }] : []
    })
    await this.put(
      [...tensors].filter(([name]) => !name.endsWith('.weight_mask')),
      masks,
    )
  }

  /**
   * Gives the memory back now rather than when the collector comes by.
   *
   * @throws TorchPruneError `ERR_BUSY` while a training owns it.
   */
  dispose(): void {
    refuseOwned(this)
    loadAddon().networkDispose(this.handle)
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}

function weightOf(layer: string, caller: string): string {
  return `${text.read(layer, `${caller}: layer`)}.weight`
}

function makeHandle(nodes: readonly Node[], seed: number, device: string): NetworkHandle {
  const specification = nodes.map(({ name, layer, inputs }) => ({ ...layer, name, inputs }))
  return loadAddon().networkMake(specification, seed, device)
}

/**
 * Any network, its names plain strings: what code takes that works on all of them. (`Network` itself does not
 * vary with its names in a way that the compiler can follow; its public members do.)
 */
export type AnyNetwork = Pick<Network, keyof Network>

/** A network as an argument. */
export const networkKind = instance(
  Network,
  'a network, such as network() or models.lenet5() makes',
) as unknown as Kind<AnyNetwork>

/**
 * A network from layers by name, in the order in which they run. Each reads the one before it unless it says
 * `from`. `inputShape` is one sample's, such as `[1, 28, 28]`.
 *
 * @throws TorchPruneError `ERR_ARGUMENT`, `ERR_SHAPE` or `ERR_DEVICE` naming the layer that does not fit.
 */
export function network<const K extends LayerKinds>(
  inputShape: Shape,
  layers: Placed<K>,
  options: NetworkOptions = {},
): Network<K> {
  return new Network<K>(inputShape, layers as Layers, options)
}
