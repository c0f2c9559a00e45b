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

const CLONING = uncloneable('a network stays in its thread (save it, and load the file there)')

/** The tensors of a network, by name: where they are, what they hold, and the masks on them. */
export abstract class NetworkTensors<K extends LayerKinds = LayerKinds> {
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

  /** @param waits whether the weights will be loaded, so that drawing large ones first is in vain */
  protected constructor(inputShape: Shape, layers: Layers, seed: number, device: Device, waits: boolean) {
    this.nodes = resolveGraph(inputShape, layers)
    this.inputShape = [...inputShape]
    this.layers = Object.fromEntries(this.nodes.map(({ name, layer }) => [name, layer]))
    this.seed = seed
    this.handle = makeNative(this.nodes, seed, device)
    this.#device = device
    this.#drawing = drawWeights(this.handle, parameterCount(this.nodes), waits)
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

  /**
   * Checks, bit for bit, that every pruned place is +0 in weights, gradients and moments.
   *
   * @throws TorchPruneError `ERR_SEAL` naming what is not, or the layers that are spliced.
   */
  async assertSealed(): Promise<void> {
    refuseReading(this)
    await checkSealed(this)
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
   * Takes other layers of the same names, with the parameters that `put()` sets next. Optimizers over the old parameters
   * no longer reach the network.
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
