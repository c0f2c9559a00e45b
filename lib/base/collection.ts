import { Faults } from './faults.js'
import { type Help, type JsonSchema, type Kind, wrongValue } from './kind.js'

/** An array whose elements are all of one kind. It has at least `least` elements (default 0). */
export function list<T>(each: Kind<T>, expected: string, least = 0): Kind<readonly T[]> {
  return {
    expected,
    fits: Array.isArray,
    read(value, name) {
      if (!Array.isArray(value) || value.length < least) throw wrongValue(name, expected, value)
      const read: T[] = []
      // Iterate by index, so that a hole counts as a wrong element too; the first wrong element ends the loop.
      for (let i = 0; i < value.length; i++) read.push(each.read(value[i], `${name}[${i}]`))
      return read
    },
    schema: (help) =>
      around(each, help, (items) => ({ type: 'array', items, ...(least > 0 && { minItems: least }) })),
  }
}

/** Two values of one kind. */
export function pair<T>(each: Kind<T>): Kind<readonly [T, T]> {
  const expected = `an array of two, each ${each.expected}`
  return {
    expected,
    fits: Array.isArray,
    read(value, name) {
      if (!Array.isArray(value) || value.length !== 2) throw wrongValue(name, expected, value)
      return [each.read(value[0], `${name}[0]`), each.read(value[1], `${name}[1]`)]
    },
    schema: (help) => around(each, help, (items) => ({ type: 'array', items, minItems: 2, maxItems: 2 })),
  }
}

/** An object with arbitrary keys whose values are all of one kind. */
export function record<T>(each: Kind<T>, expected: string): Kind<Readonly<Record<string, T>>> {
  return {
    expected,
    fits: isObject,
    read(value, name) {
      if (!isObject(value)) throw wrongValue(name, expected, value)
      const faults = new Faults()
      const entries = Object.entries(value).filter(([, one]) => one !== undefined)
      const read = entries.map(([key, one]) => [key, faults.reading(() => each.read(one, `${name}.${key}`))])
      faults.throwAll()
      return Object.fromEntries(read)
    },
    schema: (help) =>
      around(each, help, (additionalProperties) => ({ type: 'object', additionalProperties })),
  }
}

/** The schema of a collection, given that of its elements; undefined if JSON cannot represent them. */
function around(
  each: Kind<unknown>,
  help: Help,
  collection: (schema: JsonSchema) => JsonSchema,
): JsonSchema | undefined {
  const schema = each.schema?.(help)
  return schema && collection(schema)
}

/** Whether a value is an object with named properties, that is, neither an array nor null. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
