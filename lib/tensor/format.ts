import type { DType } from '../base/dtype.js'
import { isInteger } from './elements.js'
import type { Nested } from './nested.js'

/** The number of elements that are shown at each end of a shortened dimension. */
export const EDGE = 3

/** What to print of a tensor. */
export interface Description {
  readonly dtype: DType
  readonly values: Nested<number>
  /** For each dimension, whether `values` holds only its ends. */
  readonly cut: readonly boolean[]
  /** What to print after the values. */
  readonly notes: readonly string[]
}

/** Formats a tensor as PyTorch's `print` does, but shortened. */
export function formatTensor({ dtype, values, cut, notes }: Description): string {
  const body = formatNested(values, formatter(dtype, values), cut, 'tensor('.length + 1)
  return `tensor(${[body, ...notes].join(', ')})`
}

/** Formats all values with one width. */
function formatter(dtype: DType, values: Nested<number>): (value: number) => string {
  const all = leaves(values)
  const plain =
    dtype === 'bool' ? (value: number) => String(value === 1) : numberFormat(all, isInteger(dtype))
  const width = all.reduce((longest, value) => Math.max(longest, plain(value).length), 0)
  return (value) => plain(value).padStart(width)
}

function formatNested(
  values: Nested<number>,
  word: (value: number) => string,
  cut: readonly boolean[],
  indent: number,
): string {
  if (typeof values === 'number') return word(values)
  const [isCut, ...inner] = cut
  const parts = values.map((each) => formatNested(each, word, inner, indent + 1))
  if (isCut) parts.splice(EDGE, 0, '...')
  const separator = inner.length === 0 ? ', ' : `,${'\n'.repeat(inner.length)}${' '.repeat(indent)}`
  return `[${parts.join(separator)}]`
}

/** Formats whole numbers as `2.`, and others with four decimals or an exponent. */
function numberFormat(all: readonly number[], integer: boolean): (value: number) => string {
  const finite = all.filter((value) => Number.isFinite(value) && value !== 0).map(Math.abs)
  const largest = finite.reduce((a, b) => Math.max(a, b), 0)
  const smallest = finite.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
  const whole = finite.every(Number.isInteger)
  const scientific = !integer && (largest >= 1e8 || smallest < 1e-4 || largest / smallest > 1e5)
  return (value) => {
    if (Number.isNaN(value)) return 'nan'
    if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
    if (integer) return String(value)
    const sign = Object.is(value, -0) ? '-' : ''
    if (scientific) return sign + value.toExponential(4)
    return sign + (whole ? `${value}.` : value.toFixed(4))
  }
}

function leaves(values: Nested<number>): number[] {
  return typeof values === 'number' ? [values] : values.flatMap(leaves)
}
