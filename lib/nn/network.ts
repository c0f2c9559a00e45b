import { TorchPruneError } from '../base/errors.js'
import { number, path as pathKind, seed as seedKind, text } from '../base/kind.js'
import { refuseOwned, refuseReading } from '../base/lease.js'
import { readOptions } from '../base/option.js'
import { onOneLine } from '../base/text.js'
import { loadAddon } from '../binding/addon.js'
import { type CompileOptions, compileOptions } from '../infer/options.js'
import type { Session } from '../infer/session.js'
import { tensorKind } from '../tensor/core.js'
import { Tensor } from '../tensor/tensor.js'
import { compileNetwork } from './compile_network.js'
import { type LayerCost, layerCosts, parameterCount } from './cost.js'
import { codedOptions, type ExportOptions, exportCoded } from './export_coded.js'
import { exportOnnx } from './export_onnx.js'
import type { DropoutName, LayerKinds, LayerName, Layers, Placed } from './graph.js'
import { LayerModes } from './layer_modes.js'
import { type LoadStateOptions, loadStateOptions, putState, type StateKeys, stateKind } from './load_state.js'
import {
  type ForwardOptions,
  forwardOptions,
  type NetworkOptions,
  networkOptions,
} from './network_options.js'
import { NetworkTensors } from './network_tensors.js'
import { refuseSpliced, valuesAndMasks } from './sealed.js'
import type { Shape } from './shapes.js'
import { type MaskOptions, maskOptions, stateOf } from './state.js'
import { saveNetwork } from './weights_file.js'

/**
 * A graph of layers with their parameters, on a device. The initial weights of large networks are drawn off the event
 * loop, and whatever uses them waits for them. `K` holds the kind of each layer by name, so that naming a layer that
 * does not exist, or pruning one that has no weights, does not compile.
 */
export class Network<K extends LayerKinds = LayerKinds> extends NetworkTensors<K> {
  readonly #modes: LayerModes
  /** Whether the network that is being constructed draws its weights only when they are needed. */
  static #waits = false

  /**
   * Makes a network whose weights will be loaded, so that large ones need not be drawn first.
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
    super(inputShape, layers, seed, device, Network.#waits)
    this.#modes = new LayerModes(this.nodes)
  }

  /** The cost of each layer that has weights, without pruning, in order. */
  get costs(): readonly LayerCost[] {
    return layerCosts(this.nodes)
  }

  /** The number of weights and biases, without pruning. */
  get parameterCount(): number {
    return parameterCount(this.nodes)
  }

  /**
   * Runs the network on this thread, from `[N, ...inputShape]` to `[N, classes]`. Autograd records it, so you can write
   * your own training loops.
   */
  forward(input: Tensor, options: ForwardOptions = {}): Tensor {
    const { training } = readOptions('Network.forward', forwardOptions, options)
    const { handle } = tensorKind.read(input, 'Network.forward: input')
    if (training) refuseOwned(this)
    else refuseReading(this)
    try {
      return Tensor.wrap(loadAddon().networkForward(this.handle, handle, training))
    } catch (error) {
      throw unlike(input, this.inputShape, error)
    }
  }

  /**
   * Freezes layers: they have no gradient and run in evaluation mode, and `backward()` stops at the first layer that
   * trains.
   */
  freeze(...layers: readonly LayerName<K>[]): void {
    this.#setTrainable(layers, false)
  }

  /** Lets layers train again: those that are named, or all frozen ones. */
  unfreeze(...layers: readonly LayerName<K>[]): void {
    this.#setTrainable(layers.length === 0 ? this.frozen : layers, true)
  }

  /** The names of the frozen layers. */
  get frozen(): readonly LayerName<K>[] {
    return this.#modes.frozen as readonly LayerName<K>[]
  }

  #setTrainable(layers: readonly string[], trainable: boolean): void {
    refuseOwned(this)
    for (const layer of layers) {
      text.read(layer, `Network.${trainable ? 'un' : ''}freeze: the name of a layer`)
      this.#modes.setTrainable(this.handle, layer, trainable)
    }
  }

  /** Returns the current rate of a dropout layer. */
  dropout(layer: DropoutName<K>): number {
    return this.#modes.dropout(layer)
  }

  /** Sets the rate of a dropout layer. */
  setDropout(layer: DropoutName<K>, p: number): void {
    this.dropout(layer)
    number({ least: 0, most: 1 }).read(p, 'Network.setDropout: p')
    refuseOwned(this)
    this.#modes.setDropout(this.handle, layer, p)
  }

  /** Seeds dropout again, so that what follows is reproducible. */
  reseed(seed: number): void {
    refuseOwned(this)
    loadAddon().networkReseed(this.handle, seedKind.read(seed, 'Network.reseed: seed'))
  }

  /**
   * Writes parameters, buffers, masks and the layer graph to a safetensors file. If it fails, the file stays as it was.
   *
   * @throws TorchPruneError `ERR_SEAL` while layers are spliced.
   */
  async save(path: string, options: MaskOptions = {}): Promise<void> {
    const { masks } = readOptions('Network.save', maskOptions, options)
    pathKind.read(path, 'Network.save: path')
    refuseSpliced(this, `${path} is not written`, 'call seal() first, or saveCheckpoint() to keep them')
    await saveNetwork(this, path, masks)
  }

  /**
   * Writes the network in the format that the ending of `path` names, whole or not at all. `.tpz`: a coded file, from
   * which `loadNetwork()` makes the same parameters and masks, bit for bit; up to 256 values of a layer that its weights
   * share stay shared. LeNet-300-100 at 8% with shared weights takes 24 KB.
   * `.onnx`: what it computes in evaluation mode as an ONNX model (opset 21): `input` of shape `[batch, ...inputShape]`
   * to `output`, for any number of samples. Pruned weights are zeros in it; those that `quantize()` rounded to int8 take
   * a byte each.
   *
   * @throws TorchPruneError `ERR_ARGUMENT` for another ending, for weights that are NaN in a coded file, for a layer that
   *   ONNX cannot express, or a model over the format's 2 GiB; `ERR_SEAL` while layers are spliced.
   */
  async export(path: string, options: ExportOptions = {}): Promise<void> {
    const { profile } = readOptions('Network.export', codedOptions, options)
    pathKind.read(path, 'Network.export: path')
    const isCoded = path.endsWith('.tpz')
    if (!isCoded && !path.endsWith('.onnx')) {
      const formats = 'end its name with .tpz or .onnx, or write safetensors by save()'
      const message = `${onOneLine(path)}: its name does not say the format; ${formats}`
      throw new TorchPruneError('ERR_ARGUMENT', message)
    }
    refuseSpliced(this, `${path} is not written`)
    await (isCoded ? exportCoded(this, path, profile) : exportOnnx(this, path))
  }

  /**
   * Compiles the network for inference: dead neurons go, as `prune.removeDeadNeurons()` takes them, batch normalizations
   * and activations go into the layers before them, and each layer with weights gets the form that is fastest for this
   * batch size and these threads, measured here. The session has its own copy of the weights: the network can train on,
   * or be disposed of.
   *
   * @throws TorchPruneError `ERR_DEVICE` for a device that is not there, and for what only a GPU can do on the CPU,
   * `ERR_SEAL` while layers are spliced.
   */
  async compile(options: CompileOptions = {}): Promise<Session> {
    const read = readOptions('Network.compile', compileOptions, options)
    refuseReading(this)
    refuseSpliced(this, 'the network is not compiled')
    return compileNetwork(this, read)
  }

  /**
   * Returns copies of parameters, buffers and masks by PyTorch's names; the caller disposes of them. With
   * `'weight_mask'`, masks are `bool`.
   *
   * @throws TorchPruneError `ERR_SEAL` while layers are spliced.
   */
  async stateDict(options: MaskOptions = {}): Promise<Record<string, Tensor>> {
    const { masks } = readOptions('Network.stateDict', maskOptions, options)
    refuseReading(this)
    refuseSpliced(this, 'a state dict is not made')
    return Object.fromEntries(await stateOf(this, masks))
  }

  /**
   * Copies values into the network, and masks in either of the forms that `stateDict()` returns: either all of them or
   * none. A layer for which there is no mask loses the one that it has.
   *
   * @returns the keys that were missing, and those that nothing in the network has; both are empty if `strict` is set.
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

  /**
   * Writes the network as `save()` does, but with the dense weights of spliced layers, so that `loadNetwork()` can
   * continue splicing.
   */
  async saveCheckpoint(path: string): Promise<void> {
    await saveNetwork(this, pathKind.read(path, 'Network.saveCheckpoint: path'))
  }

  /**
   * Replaces the layers by others of the same names, with their parameters and masks (`<layer>.weight_mask`).
   * Optimizers of the old parameters no longer change the network. @internal
   */
  async rebuild(layers: Layers, tensors: ReadonlyMap<string, Tensor>): Promise<void> {
    refuseOwned(this)
    this.replaceLayers(layers)
    this.#modes.apply(this.handle)
    const { values, masks } = valuesAndMasks(tensors, this.prunable)
    await this.put(values, masks)
  }
}

/**
 * Makes a network from layers by name, in the order in which they run. Each layer reads the output of the one before
 * it, unless it has `from`. `inputShape` is the shape of one sample, such as `[1, 28, 28]`.
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

/** What went wrong with an input, beside what the network takes if it is something else. */
function unlike(input: Tensor, sample: readonly number[], error: unknown): unknown {
  if (!(error instanceof TorchPruneError)) return error
  const { shape, dtype } = input
  const fits = shape.length === sample.length + 1 && sample.every((size, i) => size === shape[i + 1])
  if (fits && dtype.startsWith('float')) return error
  const what = `Network.forward: input is ${dtype} [${shape.join(', ')}], and this network takes float32 [n, ${sample.join(', ')}]`
  return new TorchPruneError(error.code, `${what} (${error.message})`, { cause: error })
}
