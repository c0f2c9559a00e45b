import { list, pair } from '../../../base/collection.js'
import { anyOf, boolean, type Kind, number, text, whole } from '../../../base/kind.js'
import { optional } from '../../../base/option.js'

/** Height and width, or one number for both. */
export type Size2 = number | readonly [height: number, width: number]
export type Pair = readonly [number, number]

/** How many of something. */
export const count = whole(1)
export const share = number({ least: 0, most: 1 })
export const epsilon = number({ least: 0 })
/** Zeros around a sequence. */
export const zeros = whole(0)

/** One value for both dimensions, read as two. */
export function both<T extends number>(each: Kind<T>): Kind<readonly [T, T], T | readonly [T, T]> {
  const either = anyOf(each, pair(each)) as Kind<T | readonly [T, T]>
  return {
    ...either,
    read(value, name) {
      const read = either.read(value, name)
      return typeof read === 'number' ? [read, read] : read
    },
  }
}

/** A size in both dimensions. */
export function size(least: number): Kind<Pair, Size2> {
  return both(whole(least))
}

/** Where a layer reads from. */
export const from = { from: optional(anyOf(text, list(text, 'an array of names of layers'))) }

/** Where a layer that reads several reads from; how many they must be, its shape says. */
export const several = { from: list(text, 'an array of names of layers') }

export const bias = {
  /** @default true */
  bias: optional(boolean, true),
}
