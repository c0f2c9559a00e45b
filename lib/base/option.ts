import { isObject } from './collection.js'
import { TorchPruneError } from './errors.js'
import { Faults } from './faults.js'
import { type Help, inWords, type JsonSchema, type Kind, WrongValue, wrongValue } from './kind.js'
import { shown } from './shown.js'
import { nearest } from './spelling.js'

/** A kind for a value that may be left out, with its default. */
export interface Optional<T, Fallback, Given = T> extends Kind<T, Given> {
  /** The default, or undefined if there is none. */
  readonly fallback: Fallback
}

/** An option that may be left out; `undefined` counts as left out. */
export function optional<T, Given>(kind: Kind<T, Given>): Optional<T, undefined, Given>
export function optional<T, Given>(kind: Kind<T, Given>, fallback: NoInfer<T>): Optional<T, T, Given>
export function optional<T, Given>(kind: Kind<T, Given>, fallback?: T): Optional<T, T | undefined, Given> {
  return { ...kind, fallback }
}

/**
 * A set of options by name: the one place that defines what they are called, what values they take, and their defaults.
 * The types that users see are derived from it, including their comments, and so is the check of what users pass.
 */
export type Table = Readonly<Record<string, Kind<unknown>>>

type Value<K> = K extends Kind<infer T, unknown> ? T : never
type Given<K> = K extends Kind<unknown, infer G> ? G : never

/** The options as a user writes them. */
export type OptionsOf<T extends Table> = {
  readonly [K in keyof T as T[K] extends Optional<unknown, unknown> ? never : K]: Given<T[K]>
} & {
  readonly [K in keyof T as T[K] extends Optional<unknown, unknown> ? K : never]?: Given<T[K]> | undefined
}

/** The options as the library reads them, with defaults filled in. */
export type ReadOf<T extends Table> = {
  readonly [K in keyof T]: T[K] extends Optional<infer V, infer Fallback, unknown>
    ? V | Fallback
    : Value<T[K]>
}

/**
 * Reads the options of a call once, checks them, and fills in defaults.
 *
 * @param caller what the errors begin with, such as `train`
 * @throws TorchPruneError `ERR_ARGUMENT`, naming each option that is unknown, missing, of the wrong kind or out of
 * range.
 */
export function readOptions<T extends Table>(caller: string, table: T, given: unknown): ReadOf<T> {
  return readTable(table, given === undefined ? {} : given, caller, ': ')
}

/** An option that is itself a set of options. */
export function group<T extends Table>(table: T): Kind<ReadOf<T>, OptionsOf<T>> {
  return {
    expected: `an object (${Object.keys(table).join(', ')})`,
    fits: isObject,
    read(value, name) {
      return readTable(table, value, name, '.')
    },
    schema: (help) => tableSchema(table, help),
  }
}

/** The options of a table, made optional and without defaults: those that are left out have no value. */
export function leftOpen<T extends Table>(table: T): LeftOpen<T> {
  return Object.fromEntries(
    Object.entries(table).map(([name, kind]) => [name, optional(kind)]),
  ) as LeftOpen<T>
}

/** The table that `leftOpen` returns. */
export type LeftOpen<T extends Table> = {
  readonly [K in keyof T]: Optional<Value<T[K]>, undefined, Given<T[K]>>
}

/** A value made by a function of the library, which may come back modified or from a file: an optimizer, a schedule. */
export interface Made<T> {
  /** The table of its other properties, keyed by the value of `kind`. */
  readonly kinds: Readonly<Record<string, Table>>
  /** The functions that make it, written as calls: `constant(), cosine() or step()`. */
  readonly makers: readonly string[]
  /** Throws if properties contradict each other. */
  readonly check?: (made: T, name: string) => void
}

/** The kind of a value that functions make; its errors say which functions to call. */
export function made<T extends { readonly kind: string }>({ kinds, makers, check }: Made<T>): Kind<T> {
  const expected = `what ${inWords(makers)} returns`
  const inPlainData = `an object whose "kind" is ${inWords(Object.keys(kinds).map((name) => JSON.stringify(name)))}`
  return {
    expected,
    fits: (value) => isObject(value) || typeof value === 'function',
    read(value, name) {
      if (typeof value === 'function') {
        throw new TorchPruneError('ERR_ARGUMENT', `${name} must be ${expected}, got ${shown(value)}: call it`)
      }
      if (!isObject(value)) throw wrongValue(name, expected, value, 'ERR_ARGUMENT', inPlainData)
      const { kind, ...rest } = value
      const table = typeof kind === 'string' && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
      if (table === undefined && typeof kind === 'string') {
        const what = `${name} is of kind ${shown(kind)}, which does not exist`
        const known = Object.keys(kinds)
        const guess = nearest(kind, known)
        const inData =
          inWords(known.map((one) => JSON.stringify(one))) + (guess ? ` (did you mean ${guess}?)` : '')
        throw new WrongValue('ERR_ARGUMENT', `${what}: it must be ${expected}`, `${name}.kind`, inData, kind)
      }
      if (table === undefined) throw wrongValue(name, expected, value, 'ERR_ARGUMENT', inPlainData)
      const read = { kind, ...readTable(table, rest, name, '.') } as unknown as T
      check?.(read, name)
      return read
    },
    schema: (help) => ({
      anyOf: Object.entries(kinds).flatMap(([kind, table]) => {
        const schema = tableSchema(table, help, { kind: { const: kind } })
        return schema ? [schema] : []
      }),
    }),
  }
}

/**
 * Converts a table to the schema of an object. Options that JSON cannot represent are left out; the result is undefined
 * if one of them is required.
 */
function tableSchema(
  table: Table,
  help: Help,
  first: Readonly<Record<string, JsonSchema>> = {},
): JsonSchema | undefined {
  const properties: Record<string, JsonSchema> = { ...first }
  const required = Object.keys(first)
  for (const [name, kind] of Object.entries(table)) {
    const schema = kind.schema?.(help)
    const needed = !('fallback' in kind)
    if (schema === undefined && needed) return undefined
    if (schema === undefined) continue
    const description = help(table, name)
    const fallback = needed ? undefined : kind.fallback
    properties[name] = {
      ...(description !== undefined && { description }),
      ...schema,
      ...(fallback !== undefined && { default: fallback }),
    }
    if (needed) required.push(name)
  }
  return {
    type: 'object',
    properties,
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  }
}

/** Reads a set of options. In errors, `dot` separates the owner's name from an option's name. */
function readTable<T extends Table>(table: T, given: unknown, owner: string, dot: ': ' | '.'): ReadOf<T> {
  const names = Object.keys(table)
  const bag = isObject(given) ? given : undefined
  const keys = bag && Object.keys(bag)
  const unknown = keys?.find((key) => !Object.hasOwn(table, key) && bag?.[key] !== undefined)
  // A dataset or a tensor in place of the options is one mistake, so it is not reported as a list of unknown names.
  const stranger = bag && shown(bag) !== 'an object' && (unknown !== undefined || keys?.length === 0)
  if (bag === undefined || stranger) {
    throw wrongValue(dot === '.' ? owner : `${owner}: options`, `an object (${names.join(', ')})`, given)
  }
  const faults = new Faults()
  for (const key of keys ?? []) {
    if (Object.hasOwn(table, key) || bag[key] === undefined) continue
    faults.add(unknownOption(owner, key, names))
  }
  const read: Record<string, unknown> = {}
  for (const name of names) {
    const kind = table[name]!
    const value = bag[name]
    const leftOut = value === undefined && 'fallback' in kind
    const found = leftOut ? kind.fallback : faults.reading(() => kind.read(value, `${owner}${dot}${name}`))
    if (found !== undefined) read[name] = found
  }
  faults.throwAll()
  return read as ReadOf<T>
}

function unknownOption(owner: string, name: string, known: readonly string[]): TorchPruneError {
  const word = name.slice(0, 80)
  // PyTorch's `num_classes` is called `classes` here.
  const part = known.find((one) => one.length > 3 && word.toLowerCase().includes(one.toLowerCase()))
  const guess = part ?? nearest(word, known)
  const fix =
    guess !== undefined
      ? `did you mean ${guess}?`
      : known.length > 0
        ? `it takes ${inWords(known, 'and')}`
        : 'it takes none'
  return new TorchPruneError('ERR_ARGUMENT', `${owner}: unknown option ${shown(name)}: ${fix}`)
}
