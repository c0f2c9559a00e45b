// A call takes only so many arguments: spreading a long array over one throws a RangeError.

/** Appends the elements of a list of any length to another. */
export function append<T>(to: T[], from: Iterable<T>): void {
  for (const each of from) to.push(each)
}

/** The largest of any number of numbers; -Infinity if there are none, like `Math.max()`. */
export function largest(numbers: Iterable<number>): number {
  let found = Number.NEGATIVE_INFINITY
  for (const each of numbers) found = Math.max(found, each)
  return found
}

/** The smallest of any number of numbers; Infinity if there are none, like `Math.min()`. */
export function smallest(numbers: Iterable<number>): number {
  let found = Number.POSITIVE_INFINITY
  for (const each of numbers) found = Math.min(found, each)
  return found
}

/** The product of numbers: the number of elements of a shape. 1 if there are none. */
export function product(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all * each, 1)
}

/** The first value that occurs a second time. */
export function repeated<T>(values: Iterable<T>): T | undefined {
  const seen = new Set<T>()
  for (const each of values) {
    if (seen.has(each)) return each
    seen.add(each)
  }
  return undefined
}
