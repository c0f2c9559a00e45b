import type { TorchPruneError } from '../../../base/errors.js'
import { type OptionsOf, type ReadOf, readOptions, type Table } from '../../../base/option.js'
import type { Shape } from '../../../tensor/shape.js'
import type { OnnxOperator, OnnxPlace } from './onnx.js'
import { from } from './options.js'

/** Convolutional, or fully connected. */
export type ConnectionKind = 'conv' | 'fc'

/** Where a layer reads from: the layer before it unless it says otherwise; `'input'` is the network's input. */
export interface Reads<From extends string> {
  readonly from?: From | readonly From[]
}

/**
 * The names that something carries: those that are known where it is written, as of the layers of a network around
 * it, or else those that it was given.
 */
export type Carried<Given extends string, Known extends string> = string extends Known
  ? NoInfer<Given>
  : Known

/** Says which layer this one reads, where that is not the one before it. */
export interface From<F extends string> {
  readonly from?: F
}

/** What a kind of layer is made with: `of` comes first and by place, `options` after it and by name. */
export interface LayerTables {
  readonly of: Table
  readonly options: Table
}

/** The properties of a layer that was made with such tables. */
export type MadeOf<T extends { readonly of: Table; readonly options: Table }> = ReadOf<T['of']> &
  ReadOf<T['options']>
export type { OptionsOf }

/** Any layer, as far as all of them are alike. */
export interface AnyLayer extends Reads<string> {
  readonly kind: string
}

/** What a layer does to channels, the first dimension of a sample. */
export interface Channels {
  /**
   * `mixes`: each channel of the output is made of all channels of the input. `passes`: of the same channel of every
   * input. `flattens`: each becomes as many features in a row as it had pixels. `concatenates`: the channels of all
   * inputs, one after the other.
   */
  readonly flow: 'mixes' | 'passes' | 'flattens' | 'concatenates'
  /** Whether each channel that passes has a place of its own in every parameter and buffer that has a shape. */
  readonly each?: boolean
  /** In how many equal blocks channels that it mixes come, which do not see each other and must stay equal. */
  readonly blocks?: number
  /** Why no channel of its input and output can be removed. */
  readonly fixed?: 'neighbors' | 'normalized' | undefined
}

/** A value for each channel, where it is the same for every sample and pixel; NaN where it is not. */
export type Constants = Float64Array

/** What constants need to know of a layer's parameters. */
export interface OwnValues {
  /** Of each output channel, whether any connection leads into it: for layers with connections. */
  alive(): readonly boolean[]
  /** The elements of a parameter or buffer by its own name, such as `bias`; undefined where the layer has none. */
  numbers(name: string): readonly number[] | undefined
}

/** Makes the error for an input that does not fit; `expected` completes "layer 'x' (kind) expects". */
export type Refuse = (expected: string) => TorchPruneError

/** The shape of a parameter or buffer; undefined where the layer does without it. */
export type ShapeOf<L> = (layer: L) => Shape | undefined

/** Connections that can be pruned: the elements of the parameter `weight`. */
export interface Connections<L> {
  readonly kind: ConnectionKind
  /** Into how many groups that do not see each other its channels are split. */
  groups(layer: L): number
  /** Whether the weight's first dimension is the input and its second the output, and not the other way round. */
  readonly inputsFirst?: true
  /** At how many places of a sample the weight is applied. */
  places(input: Shape, output: Shape): number
  /** Whether a channel of the input that is constant adds the same to all pixels of an output channel. */
  folds(layer: L): boolean
}

/**
 * A kind of layer: all that the library asks of it. Each has a file of its own beside its functions and types, whose
 * default export it is, and a file in native/layers that computes it.
 */
export interface LayerKind<L extends AnyLayer = AnyLayer> {
  /** Its properties but `kind`, in the order in which they are written to files. */
  readonly table: Table
  /** Throws where properties do not fit each other; `name` begins the error. */
  check?(layer: L, name: string): void
  /** Whether it reads two layers or more; the others read one. */
  readonly several?: true
  /** The shape of its output for one sample. */
  shape(layer: L, inputs: readonly [Shape, ...Shape[]], refuse: Refuse): Shape

  /** Its parameters by PyTorch's names. */
  readonly parameters?: Readonly<Record<string, ShapeOf<L>>>
  /** Its buffers by PyTorch's names. */
  readonly buffers?: Readonly<Record<string, ShapeOf<L>>>
  readonly connections?: Connections<L>
  /** The layers that its parameters train with, where phases take turns. */
  phase?(layer: L): ConnectionKind

  /** `input` is the shape of what it reads, the first where there are several. */
  channels(layer: L, input: Shape): Channels
  /** The channels of its input, from and up to (not with) a position, that a channel of its output looks at. */
  reach?(layer: L, channel: number, input: Shape): readonly [from: number, to: number]
  /** The same layer with so many more (or fewer) channels on a side, or on both where channels pass. */
  resize?(layer: L, side: 'in' | 'out' | 'both', by: number): L
  /** Which channels of its output are constant in evaluation mode, and at which value. */
  constants(layer: L, inputs: readonly [Constants, ...Constants[]], own: OwnValues): Constants

  /** Its computation in evaluation mode by ONNX's operators. */
  onnx(layer: L, place: OnnxPlace): OnnxOperator

  /** Whether it is what follows a layer with connections and decides which activations are 0. */
  readonly nonLinear?: true
  /** Whether it hands on the values of its input in evaluation mode, perhaps in another shape. */
  readonly transparent?: true
  /** The share of its input that it zeroes while training. */
  dropped?(layer: L): number
  /** Whether a channel needs more than one value in a batch to train. */
  readonly normalizesBatches?: true
}

/** All properties of a kind of layer, in the order in which they are written to files. */
export function tableOf({ of, options }: LayerTables): Table {
  return { ...of, ...options, ...from }
}

/** A layer from the arguments of its function, checked and with defaults. */
export function described<const K extends string, T extends LayerTables>(
  kind: K,
  { of, options }: T,
  values: Readonly<Record<keyof T['of'], unknown>>,
  given: object | undefined,
): { readonly kind: K } & ReadOf<T['of']> & ReadOf<T['options']> {
  return {
    kind,
    ...readOptions<T['of']>(kind, of, values),
    ...readOptions<T['options']>(kind, { ...options, ...from }, given),
  }
}
