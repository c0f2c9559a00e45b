// Calls take only so many arguments: to spread a long array over one is a RangeError.

/** Adds the elements of a list, however long, to another. */
export function append<T>(to: T[], from: Iterable<T>): void {
  for (const each of from) to.push(each)
}

/** The largest of any number of numbers; -Infinity of none, as `Math.max()`. */
export function largest(numbers: Iterable<number>): number {
  let found = Number.NEGATIVE_INFINITY
  for (const each of numbers) found = Math.max(found, each)
  return found
}

/** The smallest of any number of numbers; Infinity of none, as `Math.min()`. */
export function smallest(numbers: Iterable<number>): number {
  let found = Number.POSITIVE_INFINITY
  for (const each of numbers) found = Math.min(found, each)
  return found
}
