import { damaged } from './damage.js'

/** The element types that a coded file holds, and their sizes in bytes. */
export const WIDTHS = { float32: 4, int64: 8, int32: 4, int16: 2, int8: 1, uint8: 1, bool: 1 } as const
export type CodedDType = keyof typeof WIDTHS

/** What a coded file says of a tensor. */
export interface TensorInfo {
  readonly name: string
  readonly dtype: CodedDType
  readonly shape: readonly number[]
  /** Whether a mask says which elements are kept. The others are +0. */
  readonly masked: boolean
}

/** A layer as a file describes it: its kind, its options, and where it reads from. */
export interface LayerInfo {
  readonly name: string
  readonly layer: { readonly kind: string; readonly [option: string]: unknown }
}

/** The layers of a network in the order in which they run. */
export interface GraphInfo {
  readonly input: readonly number[]
  readonly layers: readonly LayerInfo[]
}

/** What a coded file says about itself. */
export interface Description {
  readonly graph: GraphInfo
  readonly tensors: readonly TensorInfo[]
}

/** The number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, length) => size * length, 1)
}

/**
 * The text of a description, as files hold it. Names are in lists, since objects in JSON do not keep the order of all
 * names.
 */
export function describe({ graph, tensors }: Description): string {
  const list = tensors.map(({ name, dtype, shape, masked }) => [
    name,
    { shape, ...(dtype !== 'float32' && { dtype }), ...(masked && { masked }) },
  ])
  return JSON.stringify({ graph, tensors: list })
}

/**
 * Reads the text of a description, and checks that it describes tensors and layers in an order in which they can run.
 *
 * @param at where the file has it, for errors
 */
export function parseDescription(text: string, at: number): Description {
  const wrong = (what: string): never => damaged(`a description with ${what}`, at)
  const parsed = parse(text) ?? wrong('something else than JSON')
  const { graph, tensors } = isObject(parsed) ? parsed : wrong('no object in it')
  if (!isObject(graph) || !isShape(graph.input) || !Array.isArray(graph.layers)) return wrong('no layers')
  const seen = new Set(['input'])
  for (const each of graph.layers) {
    if (!isLayer(each)) return wrong('a layer without a name or a kind')
    for (const from of sourcesOf(each)) if (!seen.has(from)) wrong('a layer that reads no earlier one')
    if (seen.has(each.name)) wrong('two layers of one name')
    seen.add(each.name)
  }
  if (!Array.isArray(tensors)) return wrong('no tensors')
  const list = tensors.map(
    (each) => toTensor(each) ?? wrong('a tensor without a name, a shape or a known dtype'),
  )
  if (new Set(list.map(({ name }) => name)).size < list.length) wrong('two tensors of one name')
  return { graph: { input: graph.input, layers: graph.layers }, tensors: list }
}

/** The layers that a layer says it reads; none where it reads the one before it. */
export function sourcesOf({ layer: { from } }: LayerInfo): readonly string[] {
  if (from === undefined) return []
  return typeof from === 'string' ? [from] : (from as string[])
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isShape(value: unknown): value is number[] {
  return (
    Array.isArray(value) &&
    value.length <= 8 &&
    value.every((size) => Number.isInteger(size) && size > 0) &&
    Number.isSafeInteger(sizeOf(value))
  )
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value !== '__proto__'
}

function isLayer(value: unknown): value is LayerInfo {
  if (!isObject(value) || !isName(value.name) || !isObject(value.layer)) return false
  const { kind, from } = value.layer
  const reads = from === undefined || isName(from) || (Array.isArray(from) && from.every(isName))
  return typeof kind === 'string' && reads
}

function toTensor(value: unknown): TensorInfo | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined
  const [name, about] = value as unknown[]
  if (!isName(name) || !isObject(about)) return undefined
  const { shape, dtype = 'float32', masked = false } = about
  if (!isShape(shape) || typeof masked !== 'boolean') return undefined
  if (typeof dtype !== 'string' || !Object.hasOwn(WIDTHS, dtype)) return undefined
  if (masked && dtype !== 'float32') return undefined
  return { name, dtype: dtype as CodedDType, shape, masked }
}
