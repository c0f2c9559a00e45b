import { type MemoryFormat, memoryFormat as memoryFormatKind } from '../base/compute.js'
import type { DType } from '../base/dtype.js'
import { text } from '../base/kind.js'
import { refuseOwned, refuseReading } from '../base/lease.js'
import { uncloneable } from '../base/uncloneable.js'
import { loadAddon } from '../binding/addon.js'
import type { NativeMask, NetworkHandle } from '../binding/native.js'
import { runJob } from '../binding/native_job.js'
import { tensorKind } from '../tensor/core.js'
import { type Device, deviceKind } from '../tensor/device.js'
import { Tensor } from '../tensor/tensor.js'
import { isPrunable, parameterCount } from './cost.js'
import {
  type LayerKinds,
  type Layers,
  type Node,
  type ParameterName,
  type PrunableName,
  resolveGraph,
} from './graph.js'
import { drawWeights, makeNative, replaceNative } from './native_network.js'
import { checkSealed, weightOf } from './sealed.js'
import type { Shape } from './shapes.js'

/** The values that the weights of a layer share. */
export interface Codebook {
  /** Which of them each weight has: `uint8` or `int16` of the weight's shape, 0 where it is pruned. */
  readonly index: Tensor
  /** The values by index, the first of them 0, which is that of pruned weights: `weight = values[index]`. */
  readonly values: Tensor
}

const CLONING = uncloneable('a network stays in its thread (save it, and load the file there)')

/** The tensors of a network, by name: their values, their device and memory format, and the masks of weights. */
export abstract class NetworkTensors<K extends LayerKinds = LayerKinds> {
  /** @internal */
  readonly cloning = CLONING
  /** The kinds of the layers: for the compiler alone. */
  declare readonly kinds: K
  /** The layers, as they were described. */
  layers: Layers
  /** The layers in the order in which they run, with their inputs and shapes. */
  nodes: readonly Node[]
  /** The shape of one sample. */
  readonly inputShape: Shape
  /** The seed of the initial weights and of dropout. */
  readonly seed: number
  /** @internal */
  handle: NetworkHandle
  #device: Device
  readonly #drawing: Promise<void> | undefined

  /** @param waits whether weights will be loaded, so that there is no need to draw large ones first */
  protected constructor(inputShape: Shape, layers: Layers, seed: number, device: Device, waits: boolean) {
    this.nodes = resolveGraph(inputShape, layers)
    this.inputShape = [...inputShape]
    this.layers = Object.fromEntries(this.nodes.map(({ name, layer }) => [name, layer]))
    this.seed = seed
    this.handle = makeNative(this.nodes, seed, device)
    this.#device = device
    this.#drawing = drawWeights(this.handle, parameterCount(this.nodes), waits)
  }

  /** The device that the network is on. */
  get device(): Device {
    return this.#device
  }

  /** Moves parameters, buffers and masks to a device. The moments of optimizers follow at their next step. */
  async to(device: Device): Promise<void> {
    refuseOwned(this)
    deviceKind.read(device, 'Network.to: device')
    await runJob(() => loadAddon().networkToStart(this.handle, device))
    this.#device = device
  }

  /**
   * The memory layout of images and of the weights of convolutions.
   * @default 'contiguous'
   */
  get memoryFormat(): MemoryFormat {
    return loadAddon().networkFormat(this.handle)
  }

  /** Changes the memory layout of weights, gradients and masks. The moments of optimizers follow at their next step. */
  async setMemoryFormat(format: MemoryFormat, signal?: AbortSignal): Promise<void> {
    refuseOwned(this)
    if (memoryFormatKind.read(format, 'Network.setMemoryFormat: format') === this.memoryFormat) return
    await runJob(() => loadAddon().networkFormatStart(this.handle, format), signal)
  }

  /** The names of the layers that have weights to prune, in order. */
  get prunable(): readonly PrunableName<K>[] {
    return this.nodes.filter(isPrunable).map((node) => node.name) as PrunableName<K>[]
  }

  /** The names of all parameters and buffers, in order. */
  tensorNames(): ParameterName<K>[] {
    return loadAddon()
      .networkTensors(this.handle)
      .map((entry) => entry.name as ParameterName<K>)
  }

  /** The dtype and the shape of each parameter and buffer. @internal */
  tensorShapes(): [name: string, { readonly dtype: DType; readonly shape: readonly number[] }][] {
    return loadAddon()
      .networkTensors(this.handle)
      .map(({ name, dtype, shape }) => [name, { dtype, shape }])
  }

  /** Returns a parameter or buffer itself, not a copy: changes to it change the network. */
  tensor(name: ParameterName<K>): Tensor {
    refuseReading(this)
    return Tensor.wrap(loadAddon().networkTensor(this.handle, text.read(name, 'Network.tensor: name')))
  }

  /** Resolves when the initial weights are drawn; after that, reading them does not block the event loop. @internal */
  async ready(): Promise<void> {
    await this.#drawing
  }

  /** Returns the current values of parameters and buffers. They are copied only when either side changes. @internal */
  async snapshot(names: readonly string[] = this.tensorNames()): Promise<Map<string, Tensor>> {
    await this.ready()
    return new Map(names.map((name) => [name, Tensor.wrap(loadAddon().networkSnapshot(this.handle, name))]))
  }

  /** Returns a copy of the mask of a layer's weight, which is true for kept weights; undefined if it has no mask. */
  mask(layer: PrunableName<K>): Tensor<'bool'> | undefined {
    refuseReading(this)
    const handle = loadAddon().networkMask(this.handle, weightOf(layer, 'Network.mask'))
    return handle && (Tensor.wrap(handle) as Tensor<'bool'>)
  }

  /**
   * The few values that the weights of a layer share after `quantize()`, copies; undefined if each weight has a value of
   * its own.
   */
  codebook(layer: PrunableName<K>): Codebook | undefined {
    refuseReading(this)
    const found = loadAddon().networkCodebook(this.handle, weightOf(layer, 'Network.codebook'))
    return found && { index: Tensor.wrap(found.index), values: Tensor.wrap(found.values) }
  }

  /**
   * Masks a layer's weight and seals the pruned weights: they are +0 in the weight, in its gradient and in every moment
   * of every optimizer that updates it, now and after each later `backward()` and `step()`. `keep` has the weight's
   * shape, and is non-zero for weights that stay. A new mask replaces the old one; undefined removes it.
   */
  async setMask(layer: PrunableName<K>, keep: Tensor | undefined): Promise<void> {
    const given = keep === undefined ? undefined : tensorKind.read(keep, 'Network.setMask: keep')
    const name = weightOf(layer, 'Network.setMask')
    await this.put([], [{ name, kind: given ? 'sealed' : 'none', keep: given?.handle }])
  }

  /**
   * Masks a layer's weight without sealing it (Guo, Yao and Chen 2016): the network computes with +0 in place of pruned
   * weights, while the weight that `tensor()` returns stays dense and keeps learning, so that a pruned weight may
   * return. `keep` has the weight's shape; it defaults to the layer's mask, or to all weights if there is none. Call
   * `seal()` when you are done.
   */
  async splice(layer: PrunableName<K>, keep?: Tensor): Promise<void> {
    const given = keep === undefined ? undefined : tensorKind.read(keep, 'Network.splice: keep')
    const name = weightOf(layer, 'Network.splice')
    await this.put([], [{ name, kind: 'spliced', keep: given?.handle }])
  }

  /** The names of the layers that are spliced, in order. */
  get spliced(): readonly PrunableName<K>[] {
    const parametrizations = loadAddon().networkParametrizations(this.handle)
    return this.prunable.filter((layer) => parametrizations[`${layer}.weight`] === 'spliced')
  }

  /** Seals the masks of spliced layers: weights that are pruned now become +0 and stay so. */
  async seal(): Promise<void> {
    refuseOwned(this)
    const { spliced } = this
    if (spliced.length === 0) return
    await this.put(
      [],
      spliced.map((layer) => ({ name: `${layer}.weight`, kind: 'sealed' })),
    )
  }

  /**
   * Checks, bit for bit, that every pruned weight is +0 in weights, gradients and moments, and that weights which share a
   * value are equal in all of them.
   *
   * @throws TorchPruneError `ERR_SEAL` naming the tensors in which one is not, or the layers that are spliced.
   */
  async assertSealed(): Promise<void> {
    refuseReading(this)
    await checkSealed(this)
  }

  /** Copies values into parameters and buffers, and sets masks: either all of them or none. @internal */
  async put(
    values: Iterable<readonly [name: string, values: Tensor]>,
    masks: readonly NativeMask[] = [],
  ): Promise<void> {
    refuseOwned(this)
    const list = Array.from(values, ([name, tensor]) => ({ name, values: tensor.handle }))
    await runJob(() => loadAddon().networkPutStart(this.handle, list, masks))
  }

  /**
   * Replaces the layers by others of the same names, whose parameters `put()` sets next. Optimizers of the old
   * parameters no longer change the network.
   */
  protected replaceLayers(layers: Layers): void {
    const nodes = resolveGraph(this.inputShape, layers)
    const handle = makeNative(nodes, this.seed, this.#device)
    replaceNative(this.handle, handle)
    this.handle = handle
    this.layers = layers
    this.nodes = nodes
  }

  /**
   * Frees the network's memory now, instead of when it is garbage collected.
   *
   * @throws TorchPruneError `ERR_BUSY` while it is being trained.
   */
  dispose(): void {
    refuseOwned(this)
    loadAddon().networkDispose(this.handle)
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}
