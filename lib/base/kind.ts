import { type ErrorCode, TorchPruneError } from './errors.js'
import { shown } from './shown.js'

/** A JSON Schema (draft 2020-12), or a part of one. */
export type JsonSchema = { readonly [keyword: string]: unknown }

/** Returns the help text of an option in a table, if it has one. */
export type Help = (table: object, option: string) => string | undefined

/**
 * Describes what an argument or an option may be. Everything that enters the library from a user's program is read
 * through one of these, so that JavaScript is checked as strictly as TypeScript, and errors read alike.
 */
export interface Kind<T, Given = T> {
  /** Completes the sentence "it must be …", as in `a whole number of 1 or more`. */
  readonly expected: string
  /** Whether the value has the right JavaScript type; `read` checks more closely. */
  fits(value: unknown): boolean
  /**
   * Returns the value if it is of this kind. Objects and arrays are returned as copies that nobody else can change.
   *
   * @param name what the error calls the value, such as `train: batchSize`
   * @throws TorchPruneError `ERR_ARGUMENT`, or the kind's own code if it has one.
   */
  read(value: unknown, name: string): T
  /**
   * The JSON Schema of the value. It is missing or undefined if JSON cannot represent the value, such as a function.
   *
   * @param help returns the help text for an option of a table
   */
  schema?(help: Help): JsonSchema | undefined
  /** What users may pass if that is wider than what is read, such as one size for two. Only the compiler uses it. */
  readonly takes?: Given
}

/** The error for a value of the wrong kind. It is a class so that errors about data files can be worded differently. */
export class WrongValue extends TorchPruneError {
  constructor(
    code: ErrorCode,
    message: string,
    readonly field: string,
    /** What a data file should contain there. */
    readonly expected: string,
    readonly value: unknown,
  ) {
    super(code, message)
  }
}

/**
 * The error for a value of the wrong kind.
 *
 * @param inPlainData what data files should contain there, if it differs from what programs should pass
 */
export function wrongValue(
  name: string,
  expected: string,
  value: unknown,
  code: ErrorCode = 'ERR_ARGUMENT',
  inPlainData = expected,
): TorchPruneError {
  const what = value === undefined ? 'is missing: it must be' : 'must be'
  const got = value === undefined ? '' : `, got ${shown(value)}`
  return new WrongValue(code, `${name} ${what} ${expected}${got}`, name, inPlainData, value)
}

/** A kind that is defined by a single test. */
export function kind<T>(
  expected: string,
  fits: (value: unknown) => boolean,
  code: ErrorCode = 'ERR_ARGUMENT',
  schema?: JsonSchema,
): Kind<T> {
  return {
    expected,
    fits,
    ...(schema && { schema: () => schema }),
    read(value, name) {
      if (!fits(value)) throw wrongValue(name, expected, value, code)
      return value as T
    },
  }
}

/** The range of a number; all bounds are optional. */
export interface Range {
  /**
   * The smallest allowed value.
   * @default -Number.MAX_VALUE
   */
  readonly least?: number
  /**
   * The largest allowed value.
   * @default Number.MAX_VALUE
   */
  readonly most?: number
  /** The number must be larger than this. */
  readonly over?: number
  /** The number must be smaller than this. */
  readonly under?: number
  /** What the number means; shown after the range where it is not obvious. */
  readonly note?: string
}

/** A number that is never NaN; it may only be infinite if `most` or `least` allows it. */
export function number(range: Range = {}): Kind<number> {
  const { least = -Number.MAX_VALUE, most = Number.MAX_VALUE } = range
  const { over, under } = range
  const words = `${rangeInWords(range)}${range.note ? ` (${range.note})` : ''}`
  const expected = `a number${/^[-\d]/.test(words) ? ' of' : ''}${words && ` ${words}`}`
  return {
    expected,
    fits: (value) => typeof value === 'number',
    read(value, name) {
      if (typeof value !== 'number' || Number.isNaN(value)) throw wrongValue(name, expected, value)
      const inside = (over === undefined || value > over) && (under === undefined || value < under)
      if (value >= least && value <= most && inside) return value
      throw wrongValue(name, words || 'finite', value, 'ERR_ARGUMENT', words ? expected : 'a finite number')
    },
    schema: () => ({
      type: 'number',
      ...(Math.abs(least) < Number.MAX_VALUE && { minimum: least }),
      ...(Math.abs(most) < Number.MAX_VALUE && { maximum: most }),
      ...(over !== undefined && { exclusiveMinimum: over }),
      ...(under !== undefined && { exclusiveMaximum: under }),
    }),
  }
}

/** A whole number that JavaScript represents exactly. */
export function whole(
  least: number = Number.MIN_SAFE_INTEGER,
  most: number = Number.MAX_SAFE_INTEGER,
): Kind<number> {
  const above = least === Number.MIN_SAFE_INTEGER ? '' : ` of ${least} or more`
  const expected = `a whole number${most === Number.MAX_SAFE_INTEGER ? above : ` in ${least}..${most}`}`
  return {
    expected,
    fits: (value) => typeof value === 'number',
    read(value, name) {
      if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) {
        return value as number
      }
      throw wrongValue(name, expected, value)
    },
    schema: () => ({
      type: 'integer',
      ...(least !== Number.MIN_SAFE_INTEGER && { minimum: least }),
      ...(most !== Number.MAX_SAFE_INTEGER && { maximum: most }),
    }),
  }
}

function rangeInWords({ least, most, over, under }: Range): string {
  if (least !== undefined && most !== undefined) return `in ${plain(least)}..${plain(most)}`
  const from =
    least !== undefined ? `${plain(least)} or more` : over !== undefined ? `over ${plain(over)}` : ''
  const to = most !== undefined ? `up to ${plain(most)}` : under !== undefined ? `under ${plain(under)}` : ''
  return from && to ? `${from} and ${to}` : from || to
}

/** Formats a number without the zeros of 100000000000000000000. */
function plain(value: number): string {
  return Math.abs(value) >= 1e9 ? value.toExponential().replace('e+', 'e') : String(value)
}

/** `true` or `false`. */
export const boolean = kind<boolean>('true or false', (value) => typeof value === 'boolean', 'ERR_ARGUMENT', {
  type: 'boolean',
})

/** Any string. */
export const text = kind<string>('a string', (value) => typeof value === 'string', 'ERR_ARGUMENT', {
  type: 'string',
})

/** A path on a disk. Node rejects an empty path late, and one with a null character by a `TypeError`. */
export const path = kind<string>(
  'a path of 1 to 4096 characters, none of them null',
  (value) => typeof value === 'string' && /^[^\0]{1,4096}$/s.test(value),
  'ERR_ARGUMENT',
  { type: 'string', minLength: 1, maxLength: 4096 },
)

/** A seed for random numbers: a whole number of 0 or more. */
export const seed = whole(0)

/** A function. The compiler checks its arguments and its result. */
export function callback<F extends (...values: never[]) => unknown>(): Kind<F> {
  return kind<F>('a function', (value) => typeof value === 'function')
}

/** One of a few strings. */
export function words<const W extends string>(...choices: readonly [W, ...W[]]): Kind<W> {
  const list = choices.map((word) => `'${word}'`)
  return {
    expected: inWords(list),
    fits: (value) => typeof value === 'string',
    read(value, name) {
      if (choices.includes(value as W)) return value as W
      throw wrongValue(name, inWords(list), value)
    },
    schema: () => ({ enum: choices }),
  }
}

/** Exactly one value, such as `true` where `false` would mean nothing. */
export function exactly<const T extends boolean | number>(wanted: T): Kind<T> {
  return kind<T>(String(wanted), (value) => value === wanted, 'ERR_ARGUMENT', { const: wanted })
}

/** An instance of a class. */
export function instance<T>(maker: abstract new (...values: never[]) => T, expected: string): Kind<T> {
  return kind<T>(expected, (value) => value instanceof maker)
}

/** The first of several kinds that fits. */
export function anyOf<Kinds extends readonly Kind<unknown>[]>(
  ...kinds: Kinds
): Kind<
  Kinds[number] extends Kind<infer T, unknown> ? T : never,
  Kinds[number] extends Kind<unknown, infer Given> ? Given : never
> {
  const expected = inWords(kinds.map((each) => each.expected))
  return {
    expected,
    fits: (value) => kinds.some((each) => each.fits(value)),
    schema(help) {
      const schemas = kinds.map((each) => each.schema?.(help)).filter((each) => each !== undefined)
      return schemas.length < 2 ? schemas[0] : { anyOf: schemas }
    },
    read(value, name) {
      const [only, ...others] = kinds.filter((each) => each.fits(value))
      // An object's own kind reports what is wrong inside it; a wrong word is rejected with the list of all
      // alternatives.
      if (only && others.length === 0 && (typeof value !== 'string' || accepts(only, value))) {
        return only.read(value, name) as never
      }
      throw wrongValue(name, expected, value)
    },
  }
}

function accepts(kind: Kind<unknown>, value: unknown): boolean {
  try {
    kind.read(value, '')
    return true
  } catch {
    return false
  }
}

/** `a`, `a or b`, `a, b or c`. */
export function inWords(parts: readonly string[], last = 'or'): string {
  return parts.length < 2 ? parts.join() : `${parts.slice(0, -1).join(', ')} ${last} ${parts.at(-1)}`
}
