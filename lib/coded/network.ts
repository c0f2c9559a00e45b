import { TorchPruneError } from '../base/errors.js'
import { MOST_ELEMENTS, type Profile } from './container.js'
import { type CodedFile, decodeFile } from './decode.js'
import { type GraphInfo, type LayerInfo, sizeOf, sourcesOf } from './description.js'
import { kinds } from './layers/index.js'
import { type Made, Options, type Shape, type Step } from './layers/kind.js'
import type { CodedTensor } from './tensor.js'

/** Options of `readCoded`. */
export interface ReadCodedOptions {
  /**
   * The most elements that the tensors of a file may have together.
   * @default 2 ** 30
   */
  readonly mostElements?: number | undefined
}

/** The most elements that the outputs of all layers may have together, for one sample. */
const MOST_OUTPUTS = 2 ** 26

/** A layer that is ready to run. */
interface Ready {
  readonly step: Step
  readonly inputs: readonly Float64Array[]
  readonly output: Float64Array
}

/** All layers, and where they read a sample from. */
interface ReadyNetwork {
  readonly input: Float64Array
  readonly layers: readonly Ready[]
}

/** A network from a coded file, which runs in plain JavaScript. */
export class CodedNetwork {
  /** How the file was coded. */
  readonly profile: Profile
  /** The layers, as the file describes them. */
  readonly graph: GraphInfo
  /** The parameters and buffers by PyTorch's names. */
  readonly tensors: ReadonlyMap<string, CodedTensor>
  #ready: ReadyNetwork | undefined

  /** @internal */
  constructor({ profile, graph, tensors }: CodedFile) {
    this.profile = profile
    this.graph = graph
    this.tensors = tensors
  }

  /**
   * The outputs for one sample, or for several one after the other: `input` has as many numbers as the network's input,
   * or a multiple of that. Networks that end in classes return one logit for each.
   *
   * @throws TorchPruneError `ERR_SHAPE` for an input of another length, `ERR_FILE` for a layer that cannot run.
   */
  run(input: Float32Array): Float32Array {
    const length = sizeOf(this.graph.input)
    if (!(input instanceof Float32Array)) {
      throw new TorchPruneError('ERR_ARGUMENT', 'run: input must be a Float32Array')
    }
    const samples = input.length / length
    if (!Number.isInteger(samples) || samples === 0) {
      const shape = `[${this.graph.input.join(', ')}]`
      throw new TorchPruneError(
        'ERR_SHAPE',
        `run: the input has ${input.length} numbers; samples of shape ${shape} have ${length} each`,
      )
    }
    this.#ready ??= this.#prepare(new Float64Array(length))
    const { input: own, layers } = this.#ready
    const last = layers.at(-1)?.output ?? own
    const outputs = new Float32Array(samples * last.length)
    for (let sample = 0; sample < samples; sample++) {
      own.set(input.subarray(sample * length, (sample + 1) * length))
      for (const { step, inputs, output } of layers) step(inputs, output)
      outputs.set(last, sample * last.length)
    }
    return outputs
  }

  #prepare(input: Float64Array): ReadyNetwork {
    const shapes = new Map<string, Shape>([['input', this.graph.input]])
    const outputs = new Map<string, Float64Array>([['input', input]])
    let previous = 'input'
    let elements = 0
    const layers = this.graph.layers.map((info): Ready => {
      const from = info.layer.from === undefined ? [previous] : sourcesOf(info)
      const kind = kinds.get(info.layer.kind) ?? unknownKind(info)
      const made = this.#made(
        info,
        from.map((source) => shapes.get(source)!),
      )
      const shape = kind.shape(made)
      elements += sizeOf(shape)
      if (shape.some((size) => size < 1) || !(elements <= MOST_OUTPUTS))
        made.options.refuse(`an output of shape [${shape.join(', ')}]`)
      const output = new Float64Array(sizeOf(shape))
      const inputs = from.map((source) => outputs.get(source)!)
      shapes.set(info.name, shape)
      outputs.set(info.name, output)
      previous = info.name
      return { step: kind.step(made, shape), inputs, output }
    })
    return { input, layers }
  }

  #made(info: LayerInfo, inputs: readonly Shape[]): Made {
    const options = new Options(info)
    return {
      options,
      inputs,
      tensor: (name, shape) => {
        const tensor = this.tensors.get(`${info.name}.${name}`)
        if (tensor?.dtype !== 'float32' || tensor.shape.join() !== shape.join())
          return options.refuse(`no ${name} of shape [${shape.join(', ')}]`)
        return tensor
      },
    }
  }
}

function unknownKind({ name, layer }: LayerInfo): never {
  const is = `layer ${JSON.stringify(name)} is of kind ${JSON.stringify(layer.kind)}, which does not run here`
  throw new TorchPruneError('ERR_ARGUMENT', `${is}; use one of ${[...kinds.keys()].join(', ')}`)
}

/**
 * Reads a coded file (`.tpz`) that is in memory. It needs neither libtorch nor anything of Node.
 *
 * @throws TorchPruneError `ERR_FILE` for bytes that are no such file, or a damaged one, naming the byte.
 */
export async function readCoded(
  bytes: Uint8Array | ArrayBuffer,
  options: ReadCodedOptions = {},
): Promise<CodedNetwork> {
  const unknown = Object.keys(options).find((name) => name !== 'mostElements')
  if (unknown !== undefined) {
    throw new TorchPruneError('ERR_ARGUMENT', `readCoded: unknown option '${unknown}'; it takes mostElements`)
  }
  const { mostElements = MOST_ELEMENTS } = options
  if (!Number.isSafeInteger(mostElements) || mostElements < 1) {
    throw new TorchPruneError('ERR_ARGUMENT', `readCoded: mostElements must be a whole number of 1 or more`)
  }
  const view = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes
  if (!(view instanceof Uint8Array)) {
    throw new TorchPruneError('ERR_ARGUMENT', 'readCoded: bytes must be a Uint8Array or an ArrayBuffer')
  }
  return new CodedNetwork(decodeFile(view, mostElements))
}
