import { TorchPruneError } from '../base/errors.js'
import { product } from '../base/lists.js'

/** A value, or arrays of values to any depth. */
export type Nested<Value> = Value | readonly Nested<Value>[]

/** Arranges `flat`, in row-major order, as nested arrays of this shape. */
export function nest<Value>(flat: readonly Value[], shape: readonly number[]): Nested<Value> {
  const [size, ...inner] = shape
  if (size === undefined) return flat[0] as Value
  const step = product(inner)
  return Array.from({ length: size }, (_, i) => nest(flat.slice(i * step, (i + 1) * step), inner))
}

/** The shape of nested arrays, judging by the first element at each depth. */
export function nestedShape(data: unknown): number[] {
  const shape: number[] = []
  for (let part = data; Array.isArray(part); part = part[0]) shape.push(part.length)
  return shape
}

/**
 * Calls `visit` with each value in row-major order, its position, and its path, such as `data[1][0]`.
 *
 * @throws TorchPruneError `ERR_SHAPE` if the arrays do not all have `shape`.
 */
export function visitNested(
  data: unknown,
  shape: readonly number[],
  visit: (value: unknown, position: number, path: () => string) => void,
): void {
  let position = 0
  const indices: number[] = []
  const path = () => `data${indices.map((index) => `[${index}]`).join('')}`
  const walk = (part: unknown, depth: number): void => {
    const size = shape[depth]
    if (size === undefined) {
      if (Array.isArray(part)) throw ragged(path(), 'is an array', 'is a value')
      visit(part, position++, path)
      return
    }
    if (!Array.isArray(part)) throw ragged(path(), 'is not an array', 'is one')
    if (part.length !== size) throw ragged(path(), `has ${part.length} elements`, `has ${size}`)
    for (let i = 0; i < size; i++) {
      indices.push(i)
      walk(part[i], depth + 1)
      indices.pop()
    }
  }
  walk(data, 0)
}

function ragged(path: string, what: string, before: string): TorchPruneError {
  return new TorchPruneError(
    'ERR_SHAPE',
    `tensor: ${path} ${what} where the first at its depth ${before}: all rows must have the same length`,
  )
}
