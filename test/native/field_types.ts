import type { DType } from '../../lib/base/dtype.js'
import type { NetworkHandle, TensorHandle } from '../../lib/binding/native.js'

/** The words of a union in any order: `'a' | 'b'`. */
type Words<Word extends string, Each extends string = Word> = Each extends string
  ? [Exclude<Word, Each>] extends [never]
    ? `'${Each}'`
    : `'${Each}' | ${Words<Exclude<Word, Each>>}`
  : never

type ListOf<List extends readonly unknown[]> = number extends List['length']
  ? `${KindOf<List[number]>}[]` | ([List[number]] extends [number] ? 'shape' : never)
  : `${KindOf<List[number]>}[${List['length']}]`

/** What the addon may call a value of a type of the contract. */
type KindOf<T> = [T] extends [boolean]
  ? 'boolean'
  : [T] extends [number]
    ? 'number' | 'integer'
    : [T, DType] extends [DType, T]
      ? 'dtype'
      : [T] extends [string]
        ? string extends T
          ? 'string' | 'device'
          : Words<T>
        : [T] extends [TensorHandle]
          ? 'tensor'
          : [T] extends [NetworkHandle]
            ? 'network'
            : Extract<T, readonly unknown[]> extends infer List extends readonly unknown[]
              ? [List] extends [never]
                ? ObjectOf<T>
                : ListOf<List>
              : never

/** An object by names of the caller's, or the name of the table of another struct. */
type ObjectOf<T> = string extends keyof T ? `${KindOf<T[keyof T]>}{}` : string

/** The table of the fields of an interface of the contract: each with its kind, and with `?` if it may be left out. */
export type FieldsOf<T> = {
  readonly [Name in keyof T]-?: `${KindOf<Exclude<T[Name], undefined>>}${object extends Pick<T, Name> ? '?' : ''}`
}
