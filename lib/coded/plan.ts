import { sizeOf, type TensorInfo } from './description.js'

/** Small tensors share a block with their neighbors, of so many elements together at most. */
const MOST_GROUPED = 2 ** 20
/** Larger ones have a block for each stripe of rows, of so many elements at most, or of one row. */
const STRIPE = 2 ** 22

/** A tensor as rows of its first dimension. */
export interface Rows {
  readonly rows: number
  readonly columns: number
}

export function rowsOf({ shape }: TensorInfo): Rows {
  const rows = shape.length > 1 ? shape[0]! : 1
  return { rows, columns: sizeOf(shape) / rows }
}

/** Tensors that are coded together. */
export interface Unit {
  readonly tensors: readonly TensorInfo[]
  /** The rows of each block after the one of the head; undefined for tensors that share one block. */
  readonly stripes: readonly (readonly [first: number, count: number])[] | undefined
}

/** The number of blocks of a unit. */
export function blocksOf({ stripes }: Unit): number {
  return stripes === undefined ? 1 : 1 + stripes.length
}

/** How tensors are divided into blocks. native/coded/blocks.cc divides those of a unit in the same way. */
export function planOf(tensors: readonly TensorInfo[]): Unit[] {
  const units: Unit[] = []
  let group: TensorInfo[] | undefined
  let grouped = 0
  for (const tensor of tensors) {
    const size = sizeOf(tensor.shape)
    if (size > MOST_GROUPED && tensor.dtype === 'float32') {
      units.push({ tensors: [tensor], stripes: stripesOf(rowsOf(tensor)) })
      group = undefined
      continue
    }
    if (group === undefined || grouped + size > MOST_GROUPED) {
      group = []
      grouped = 0
      units.push({ tensors: group, stripes: undefined })
    }
    group.push(tensor)
    grouped += size
  }
  return units
}

function stripesOf({ rows, columns }: Rows): [first: number, count: number][] {
  const most = Math.max(1, Math.floor(STRIPE / columns))
  const stripes: [number, number][] = []
  for (let first = 0; first < rows; first += most) stripes.push([first, Math.min(most, rows - first)])
  return stripes
}
