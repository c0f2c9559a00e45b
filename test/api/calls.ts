import fc from 'fast-check'
import * as library from '../../lib/index.js'
import { functions } from './right_functions.js'
import { methods, receivers } from './right_methods.js'
import { dataset, net, type Right, x } from './right_values.js'

/** A function of the public API, and arguments that it takes. */
export interface Entry {
  readonly path: string
  readonly call: (values: readonly unknown[]) => unknown
  /** Undefined for a function that nobody has put into `right_functions.ts` or `right_methods.ts`. */
  readonly right: Right | undefined
}

// Declared `@internal` or protected: they are not in the types that users see.
const INTERNAL = new Set([
  ...['Tensor.wrap', 'Tensor.apply', 'Tensor.applyMany', 'Tensor.query', 'Tensor.applyInPlace'],
  ...['Network.rebuild', 'Network.replaceLayers', 'Network.put', 'Network.snapshot'],
  ...['Network.ready', 'Network.tensorShapes', 'Network.toLoad'],
])

/** Every function that a user can reach from the package: exports, members of namespaces, methods. */
export function entries(): Entry[] {
  const found: Entry[] = []
  const seen = new Set<unknown>()
  const visit = (value: unknown, path: string) => {
    if (seen.has(value)) return
    if (typeof value === 'function') {
      seen.add(value)
      if (isClass(value)) found.push(...methodsOf(value as never, path))
      else found.push(entry(path, value as never))
    }
    if (typeof value !== 'object' && typeof value !== 'function') return
    if (value === null || Array.isArray(value)) return
    for (const name of Object.keys(value).concat(isClass(value) ? staticsOf(value as never) : [])) {
      visit((value as Record<string, unknown>)[name], path === '' ? name : `${path}.${name}`)
    }
  }
  visit({ ...library }, '')
  visit(library.criteria.magnitude(), 'criteria.magnitude()')
  return found.filter(({ path }) => !INTERNAL.has(path))
}

function entry(path: string, target: (...values: unknown[]) => unknown): Entry {
  return { path, call: (values) => target(...values), right: functions[path] }
}

function isClass(value: unknown): boolean {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value))
}

function staticsOf(Class: object): string[] {
  return Object.getOwnPropertyNames(Class).filter((name) => !['length', 'name', 'prototype'].includes(name))
}

function methodsOf(Class: { readonly prototype: object }, path: string): Entry[] {
  const found: Entry[] = []
  const receiver = receivers[path]
  if (path === 'Network') {
    const call = (values: readonly unknown[]) => Reflect.construct(Class as never, values)
    found.push({ path, call, right: functions[path] })
  }
  for (
    let proto = Class.prototype;
    receiver && proto !== Object.prototype;
    proto = Object.getPrototypeOf(proto)
  ) {
    for (const name of Object.getOwnPropertyNames(proto)) {
      const { value } = Object.getOwnPropertyDescriptor(proto, name)!
      if (name === 'constructor' || name === 'handleFor' || typeof value !== 'function') continue
      const call = (values: readonly unknown[]) => Reflect.apply(value, receiver(), values)
      // Those of a tensor without an entry take no argument; more than they take is passed by.
      const own = methods[path] ?? {}
      const right =
        (Object.hasOwn(own, name) ? own[name] : undefined) ??
        (value.length === 0 || path === 'Tensor' ? () => [] : undefined)
      found.push({ path: `${path}.${name}`, call, right })
    }
  }
  return found
}

/** What stands in for an argument or an option. Made when the call is, for some are spoilt by one. */
export const HOSTILE: Readonly<Record<string, () => unknown>> = {
  undefined: () => undefined,
  null: () => null,
  '0': () => 0,
  '-0': () => -0,
  '-1': () => -1,
  '1.5': () => 1.5,
  NaN: () => Number.NaN,
  Infinity: () => Number.POSITIVE_INFINITY,
  '-Infinity': () => Number.NEGATIVE_INFINITY,
  '2 ** 60': () => 2 ** 60,
  '3n': () => 3n,
  'a huge bigint': () => 10n ** 400n,
  true: () => true,
  "''": () => '',
  "'x'": () => 'x',
  "'0'": () => '0',
  'a string of a null character': () => 'a\0b',
  'a string of 1 MB': () => 'x'.repeat(1e6),
  'a symbol': () => Symbol('s'),
  'a function': () => () => {},
  'an async function': () => async () => {},
  '[]': () => [],
  '[NaN]': () => [Number.NaN],
  '[undefined]': () => [undefined],
  "['x']": () => ['x'],
  'a nested array': () => [[[]]],
  'an array of 2 ** 32 - 1 holes': () => new Array(2 ** 32 - 1),
  '{}': () => ({}),
  '{ xylophone: 1 }': () => ({ xylophone: 1 }),
  'an object without a prototype': () => Object.create(null),
  "{ kind: 'x' }": () => ({ kind: 'x' }),
  '{ kind: 3, length: -1 }': () => ({ kind: 3, length: -1 }),
  'a promise': () => Promise.resolve(3),
  'a date': () => new Date(0),
  'a map': () => new Map([[1, 2]]),
  'a set': () => new Set([1]),
  'a proxy of a function': () => new Proxy(() => {}, {}),
  'a Float32Array': () => new Float32Array(2),
  'an ArrayBuffer': () => new ArrayBuffer(8),
  'a tensor': x,
  'a disposed tensor': () => {
    const tensor = x()
    tensor.dispose()
    return tensor
  },
  'a dataset': dataset,
  'a network': net,
  'an AbortController': () => new AbortController(),
}

/** A call with one thing wrong in it. */
export interface Wrong {
  readonly entry: Entry
  readonly hostile: string
  /** Which argument, modulo those there are and one more. */
  readonly position: number
  /** Whether an option of that argument is replaced, where it has any. */
  readonly inside: boolean
  readonly option: number
  /** How many of the last arguments are missing. */
  readonly missing: number
}

export function wrongCall(all: readonly Entry[]): fc.Arbitrary<Wrong> {
  return fc.record({
    entry: fc.constantFrom(...all),
    hostile: fc.constantFrom(...Object.keys(HOSTILE)),
    position: fc.nat(6),
    inside: fc.boolean(),
    option: fc.nat(),
    missing: fc.oneof(fc.constant(0), fc.constant(0), fc.nat(3)),
  })
}

/** The arguments of a wrong call, and what it says of itself. */
export function argumentsOf(wrong: Wrong): { readonly values: unknown[]; readonly said: string } {
  const values = [...(wrong.entry.right?.() ?? [])]
  const at = wrong.position % (values.length + 1)
  const bad = HOSTILE[wrong.hostile]!()
  const given = values[at]
  const names = wrong.inside && isPlain(given) ? optionsOf(wrong.entry, at) : []
  const name = names[wrong.option % Math.max(names.length, 1)]
  if (name === undefined) values[at] = bad
  else values[at] = withOption(given as object, name, bad)
  if (wrong.missing > 0) values.splice(Math.max(0, values.length - wrong.missing))
  const where = name === undefined ? `argument ${at}` : `${name} of argument ${at}`
  const cut = wrong.missing > 0 ? `, without the last ${wrong.missing}` : ''
  return { values, said: `${wrong.entry.path} with ${wrong.hostile} for ${where}${cut}` }
}

function withOption(object: object, path: string, value: unknown): object {
  const [first = '', ...rest] = path.split('.')
  const inner = (object as Record<string, unknown>)[first]
  const deeper = rest.length > 0 && isPlain(inner)
  return { ...object, [first]: deeper ? withOption(inner as object, rest.join('.'), value) : value }
}

function isPlain(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

const known = new Map<string, readonly string[]>()

/** The names that an argument takes: those of the right one, and those that the refusal of a strange one lists. */
function optionsOf(entry: Entry, at: number): readonly string[] {
  const key = `${entry.path} ${at}`
  let names = known.get(key)
  if (names === undefined) {
    const values = [...entry.right!()]
    const given = values[at] as object
    const inner = Object.entries(given).flatMap(([name, value]) =>
      isPlain(value) ? Object.keys(value as object).map((each) => `${name}.${each}`) : [],
    )
    values[at] = { ...given, xylophone: 1 }
    names = [...new Set([...Object.keys(given), ...inner, ...listed(entry, values)])]
    known.set(key, names)
  }
  return names
}

function listed(entry: Entry, values: readonly unknown[]): readonly string[] {
  try {
    const result = entry.call(values)
    // A promise says it later: such functions have all their options there.
    if (result instanceof Promise) result.catch(() => {})
    else (result as PromiseLike<unknown> | undefined)?.then?.(undefined, () => {})
    return []
  } catch (error) {
    const list = /it takes (.*)$/.exec((error as Error).message)?.[1]
    return list?.split(/, | and /) ?? []
  }
}
