import fc from 'fast-check'
import { addon, disposeHandles, handle, KINDS } from './handles.js'

/** What hostile values throw: it may come out of a call as it is. */
export class Hostility extends Error {}

/** The jobs that hostile values started. */
export const started: Promise<unknown>[] = []

function startJob(): void {
  const job = addon.trainerRun(handle('trainer'), EPOCH)
  started.push(job.promise.catch(() => undefined))
}

/** A value that is made when the call is: some spoil others. */
type Value = () => unknown

const hostile = {
  get length() {
    throw new Hostility('no length')
  },
  toString() {
    throw new Hostility('no string')
  },
  get kind() {
    throw new Hostility('no kind')
  },
}

export const forged: readonly Value[] = [
  () => Object.create(handle('tensor')),
  () => Object.create(Object.getPrototypeOf(handle('tensor'))),
  () => new Proxy(handle('tensor'), {}),
  () => ({ ...handle('tensor') }),
  () => handle('tensor').constructor,
]

/** Disposes of every handle as soon as it is looked at, and answers with something that may pass. */
export function saboteur(): object {
  const answers: Record<string, unknown> = {
    retainGraph: true,
    createGraph: false,
    batchSize: 2,
    rates: [0.1],
    kind: 'sgd',
  }
  return new Proxy(
    {},
    {
      get(_, key) {
        disposeHandles()
        return answers[String(key)]
      },
    },
  )
}

/** A list whose elements do something when they are read. */
function trap(act: () => void, element: unknown, length = 1): unknown[] {
  const list = Array.from({ length }, () => element)
  const get = () => {
    act()
    return element
  }
  return Object.defineProperty(list, 0, { get, enumerable: true })
}

/** Grows when it is read. */
function growing(): unknown[] {
  const list: unknown[] = trap(() => list.push(...Array(64).fill(1)), 1, 2)
  return list
}

/** Another answer each time it is asked. */
function fickle(): object {
  let asked = 0
  const answers = [2, 'cpu', -1, undefined, [0.1], Number.NaN, handle('tensor')]
  return new Proxy({}, { get: () => answers[asked++ % answers.length] })
}

const detach = (buffer: ArrayBuffer) => structuredClone(buffer, { transfer: [buffer] })
function detached(): Uint8Array {
  const array = new Uint8Array(8)
  detach(array.buffer as ArrayBuffer)
  return array
}
/** `ArrayBuffer.prototype.resize` came with ES2024. */
interface Resizable extends ArrayBuffer {
  resize(length: number): void
}
function resizable(length: number, most: number): Resizable {
  const Buffer = ArrayBuffer as unknown as new (length: number, options: object) => Resizable
  return new Buffer(length, { maxByteLength: most })
}

const numbers = [0, 1, 2, 3, -1, -0, 1.5, Number.NaN, Infinity, 2 ** 31, 2 ** 53 - 1, 2 ** 53, 1e300, 1e39]
const texts = [
  '',
  'cpu',
  'cuda',
  'cuda:99',
  'float32',
  'bool',
  'aten::add',
  'fc.weight',
  'fc',
  '__proto__',
  '\0',
]
const integers = [3n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 64n]
const others = [undefined, null, true, false, ...integers, Symbol('s'), [], {}, hostile]
const made: readonly Value[] = [
  ...forged,
  detached,
  saboteur,
  growing,
  fickle,
  () => trap(disposeHandles, 1),
  () => trap(startJob, 0),
  () => new Uint8Array(new SharedArrayBuffer(8)),
  () => new Float64Array(new SharedArrayBuffer(16)),
  () => new Float64Array(resizable(0, 16)),
  () => new DataView(new ArrayBuffer(8)),
  () => new Array(2 ** 31),
  () => 'x'.repeat(1e6),
  () => () => 1,
  () => () => {
    throw new Hostility('from a function')
  },
]
const EPOCH = { rates: [0.1], seed: 1, averageWeights: new Float64Array(3) }

const constant = <T>(values: readonly T[]) => fc.constantFrom(...values)
const junk: fc.Arbitrary<Value> = fc.oneof(
  constant([...numbers, ...texts]).map((each) => () => each),
  constant(KINDS).map((kind) => () => handle(kind)),
  constant(others).map((each) => () => each),
  constant(made),
  fc.array(constant<number | string>([...numbers, ...texts]), { maxLength: 4 }).map((each) => () => each),
  fc.anything().map((each) => () => each),
)

/** One argument, or a field of one, becomes another value. */
export interface Change {
  readonly at: number
  readonly inside: boolean
  readonly key: number
  readonly value: Value
}
export const change: fc.Arbitrary<Change> = fc.record({
  at: fc.nat(5),
  inside: fc.boolean(),
  key: fc.nat(7),
  value: junk,
})

/** The arguments with some of them changed. */
export function changed(args: readonly unknown[], changes: readonly Change[]): unknown[] {
  const result = [...args]
  for (const { at, inside, key, value } of changes) {
    const old = result[at]
    const fields = inside && typeof old === 'object' && old !== null ? Object.keys(old) : []
    if (fields.length === 0 || ArrayBuffer.isView(old)) {
      result[at] = value()
      continue
    }
    // With its getters, unread.
    const copy: object = Array.isArray(old) ? [] : {}
    Object.defineProperties(copy, Object.getOwnPropertyDescriptors(old))
    const field = fields[key % fields.length]!
    const part: unknown = Object.getOwnPropertyDescriptor(copy, field)?.value
    const deeper = typeof part === 'object' && key > 4
    const next = deeper ? changed([part], [{ at: 0, inside: true, key: 0, value }])[0] : value()
    Object.defineProperty(copy, field, { value: next, enumerable: true, configurable: true, writable: true })
    result[at] = copy
  }
  return result
}

/** Calls to `fromBytes` whose other arguments change the memory that is read. */
export function* memoryTraps(): Generator<readonly [what: string, args: unknown[]]> {
  for (const length of [8, 1 << 20]) {
    for (const act of ['detach', 'shrink', 'grow']) {
      const buffer = act === 'detach' ? new ArrayBuffer(length) : resizable(length, 2 * length)
      const size = { detach: 0, shrink: 0, grow: 2 * length }[act]!
      const spoil = () => (act === 'detach' ? detach(buffer) : (buffer as Resizable).resize(size))
      let spoilt = false
      const once = () => {
        if (!spoilt) spoil()
        spoilt = true
      }
      yield [act, [new Uint8Array(buffer), 'uint8', trap(once, length), 'cpu']]
    }
  }
}
