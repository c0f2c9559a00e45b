import { TorchPruneError } from '../base/errors.js'
import type { ReadOf } from '../base/option.js'
import type { NativeFolded } from '../binding/native.js'
import { compile } from '../infer/compile.js'
import type { compileOptions } from '../infer/options.js'
import type { LayerForm, Session, SessionSettings, SessionSource } from '../infer/session.js'
import type { Device } from '../tensor/device.js'
import { zeros } from '../tensor/factories.js'
import { HeldTensors } from '../tensor/held.js'
import { Tensor } from '../tensor/tensor.js'
import { besideWhat } from './beside.js'
import type { Layers } from './graph.js'
import { NetworkTensors } from './network_tensors.js'
import type { Shape } from './shapes.js'
import { Shrinking } from './surgery/shrinking.js'
import { takeNetwork, writeNetwork } from './weights_file.js'

/** The key of the metadata under which a file has how its network was compiled. */
export const SESSION_KEY = 'torch-prune.session'

/** A network that only holds its tensors. */
class Copy extends NetworkTensors {
  constructor(inputShape: Shape, layers: Layers, device: Device) {
    super(inputShape, layers, 0, device, true)
  }
}

/**
 * Compiles a copy of a network, without its dead neurons; `chosen` are the forms of its layers if they are known: then
 * it is as it was compiled.
 */
export async function compileNetwork(
  network: NetworkTensors,
  options: ReadOf<typeof compileOptions>,
  chosen?: readonly LayerForm[],
): Promise<Session> {
  const { inputShape } = network
  const { device = network.device } = options
  refuseOnCpu('Network.compile', device, options)
  const whole = chosen !== undefined || staysWhole(options)
  const { layers, values } = await (whole ? wholeOf(network) : aliveOf(network, options.signal))
  const copy = new Copy(inputShape, layers, device)
  try {
    await copy.put(values)
    const source = new Source(inputShape, layers, values)
    const session = await compile(copy.handle, inputShape, device, options, source, chosen)
    source.forget(session.layers.map(({ name }) => name))
    return session
  } catch (error) {
    for (const each of values.values()) each.dispose()
    throw error
  } finally {
    copy.dispose()
  }
}

/** Refuses what only a GPU can do, on the CPU. */
export function refuseOnCpu(
  where: string,
  device: Device,
  { forms, autocast = 'none' }: Pick<ReadOf<typeof compileOptions>, 'forms' | 'autocast'>,
): void {
  const onGpu = "give device: 'cuda'"
  if (device !== 'cpu') return
  if (autocast !== 'none') {
    const message = `${where}: autocast is for GPUs, and sessions on the CPU compute in float32: ${onGpu}`
    throw new TorchPruneError('ERR_DEVICE', message)
  }
  if (forms.includes('semi-structured')) {
    const message = `${where}: 'semi-structured' layers run on GPUs, on their sparse tensor cores: ${onGpu}`
    throw new TorchPruneError('ERR_DEVICE', message)
  }
}

/** Tensor cores want sizes that are multiples of 16, and neurons that go take two of every four weights apart. */
function staysWhole({ autocast = 'none' }: ReadOf<typeof compileOptions>): boolean {
  return autocast !== 'none'
}

interface Tensors {
  readonly layers: Layers
  readonly values: Map<string, Tensor>
}

async function wholeOf(network: NetworkTensors): Promise<Tensors> {
  return { layers: network.layers, values: await network.snapshot() }
}

/** The same without dead neurons (paper, section 3.5): dense forms and those that follow are smaller by them. */
async function aliveOf(network: NetworkTensors, signal: AbortSignal | undefined): Promise<Tensors> {
  const work = await Shrinking.of(network)
  try {
    await work.run(signal)
  } catch (error) {
    work[Symbol.dispose]()
    throw error
  }
  for (const [name, values] of work.tensors) {
    if (besideWhat(name) === name) continue
    values.dispose()
    work.tensors.delete(name)
  }
  return { layers: work.layers, values: work.tensors }
}

/** What a session's file holds that the session itself does not: the graph, and the tensors of its other layers. */
class Source implements SessionSource {
  readonly #inputShape: Shape
  readonly #layers: Layers
  readonly #values: Map<string, Tensor>

  constructor(inputShape: Shape, layers: Layers, values: Map<string, Tensor>) {
    this.#inputShape = inputShape
    this.#layers = layers
    this.#values = values
  }

  /** Lets go of the tensors of layers whose weights the session has. */
  forget(layers: readonly string[]): void {
    for (const [name, values] of this.#values) {
      if (!layers.includes(name.slice(0, name.lastIndexOf('.')))) continue
      values.dispose()
      this.#values.delete(name)
    }
  }

  async write(path: string, session: Session, settings: SessionSettings, folded: readonly NativeFolded[]) {
    const file = new Copy(this.#inputShape, this.#layers, 'cpu')
    using held = new HeldTensors()
    try {
      const values = new Map(this.#values)
      for (const layer of folded) {
        const { weight, bias } = layer
        values.set(`${layer.layer}.weight`, held.use(Tensor.wrap(weight)))
        const own = bias && held.use(Tensor.wrap(bias))
        const place = file.tensorNames().includes(`${layer.layer}.bias` as never)
          ? layer.layer
          : layer.affine.at(-1)
        if (own && place !== undefined) values.set(`${place}.bias`, own)
        for (const name of layer.affine) this.#leaveAsIs(name, place, values, held)
      }
      await file.put(values)
      const { batch, threads, concurrency, autocast, mean, std } = settings
      const plan = {
        batch,
        threads,
        concurrency,
        autocast,
        mean,
        std,
        forms: session.layers.map(({ form }) => form),
      }
      const metadata = { [SESSION_KEY]: JSON.stringify(plan) }
      using taken = await takeNetwork(file, { metadata, tensors: new Map() })
      await writeNetwork(path, taken)
    } finally {
      file.dispose()
    }
  }

  /** Gives a normalization that went into a layer the values with which it changes nothing. */
  #leaveAsIs(name: string, biasAt: string | undefined, values: Map<string, Tensor>, held: HeldTensors): void {
    const layer = this.#layers[name] as { readonly eps?: number }
    const shape = this.#values.get(`${name}.weight`)!.shape
    const filled = (value: number) => held.use(zeros(shape).add_(value))
    const { eps = 0 } = layer
    const variance = Math.max(0, 1 - eps)
    values.set(`${name}.weight`, filled(Math.sqrt(variance + eps)))
    if (name !== biasAt) values.set(`${name}.bias`, filled(0))
    values.set(`${name}.running_mean`, filled(0))
    values.set(`${name}.running_var`, filled(variance))
  }

  dispose(): void {
    for (const each of this.#values.values()) each.dispose()
    this.#values.clear()
  }
}
