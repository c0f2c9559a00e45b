import { quoted, refuse } from '../base/files.js'

/** What a pickle may contain here: plain values, containers, and the caller's results of the calls that it allows. */
export type PickleValue<Made> =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickleList<Made>
  | PickleTuple<Made>
  | PickleDict<Made>
  | PickleGlobal
  | PickleOpaque
  | Made

/** A Python list. */
export interface PickleList<Made> {
  readonly kind: 'list'
  readonly items: PickleValue<Made>[]
}
/** A Python tuple. */
export interface PickleTuple<Made> {
  readonly kind: 'tuple'
  readonly items: readonly PickleValue<Made>[]
}
/** A Python dict. */
export interface PickleDict<Made> {
  readonly kind: 'dict'
  readonly entries: Map<PickleValue<Made>, PickleValue<Made>>
}
/** A Python class or function, represented only by its name: `'torch._utils._rebuild_tensor_v2'`. */
export interface PickleGlobal {
  readonly kind: 'global'
  readonly name: string
}

/** A Python object that is skipped: only the name of what would have made it is known. */
export interface PickleOpaque {
  readonly kind: 'opaque'
  readonly name: string
}

/** Defines what a pickle may refer to. */
export interface PickleHost<Made> {
  /** Whether it may refer to this class or function; anything else is rejected by name. */
  allows(name: string): boolean
  /** Evaluates a call to an allowed name; returns undefined if the arguments do not match. */
  call(name: string, args: readonly PickleValue<Made>[]): PickleValue<Made> | undefined
  /** Resolves an identifier of something outside the pickle; returns undefined if it identifies nothing. */
  persistent(id: PickleValue<Made>): PickleValue<Made> | undefined
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const DAMAGED = 'it is damaged: fetch or write it again'
const STATE_DICT_ALONE = 'save the state dict alone: torch.save(model.state_dict(), file)'

/**
 * Reads a pickle as data: nothing that it names is imported or run. It supports the opcodes that torch.save writes, in
 * protocols 2 to 4. Time and memory are linear in the number of bytes, and it does not recurse.
 *
 * @throws TorchPruneError `ERR_FILE` naming what the pickle asks for but is not allowed to have.
 */
export function unpickle<Made>(bytes: Uint8Array, host: PickleHost<Made>, path: string): PickleValue<Made> {
  return unpickleAt(bytes, 0, host, path).value
}

/** Reads a pickle that begins at `at` and is followed by something else, which begins at `end`. */
export function unpickleAt<Made>(
  bytes: Uint8Array,
  at: number,
  host: PickleHost<Made>,
  path: string,
): { readonly value: PickleValue<Made>; readonly end: number } {
  const unpickler = new Unpickler(bytes, at, host, path)
  return { value: unpickler.run(), end: unpickler.end }
}

class Unpickler<Made> {
  readonly #view: DataView
  #at: number
  readonly #stack: PickleValue<Made>[] = []
  /** The positions on the stack at which the open containers begin. */
  readonly #marks: number[] = []
  readonly #memo = new Map<number, PickleValue<Made>>()

  constructor(
    readonly bytes: Uint8Array,
    at: number,
    readonly host: PickleHost<Made>,
    readonly path: string,
  ) {
    this.#at = at
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  run(): PickleValue<Made> {
    for (;;) {
      const opcode = this.#byte()
      if (opcode === OPCODES.STOP) break
      this.#execute(opcode)
    }
    const value = this.#pop()
    if (this.#stack.length > 0 || this.#marks.length > 0) this.#damaged('ends before all of it is used')
    return value
  }

  /** The position after the pickle. */
  get end(): number {
    return this.#at
  }

  #execute(opcode: number): void {
    const value = this.#valueOf(opcode)
    if (value === undefined) this.#act(opcode)
    else this.#stack.push(value)
  }

  /** The value that an opcode pushes on the stack; undefined for opcodes that push none. */
  #valueOf(opcode: number): PickleValue<Made> | undefined {
    switch (opcode) {
      case OPCODES.NONE:
        return null
      case OPCODES.NEWTRUE:
        return true
      case OPCODES.NEWFALSE:
        return false
      case OPCODES.BININT:
        return this.#view.getInt32(this.#take(4), true)
      case OPCODES.BININT1:
        return this.#byte()
      case OPCODES.BININT2:
        return this.#view.getUint16(this.#take(2), true)
      case OPCODES.LONG1:
        return this.#long(this.#byte())
      case OPCODES.BINFLOAT:
        return this.#view.getFloat64(this.#take(8), false)
      case OPCODES.BINUNICODE:
      case OPCODES.BINSTRING:
        return this.#text(this.#uint32())
      case OPCODES.SHORT_BINUNICODE:
      case OPCODES.SHORT_BINSTRING:
        return this.#text(this.#byte())
      case OPCODES.EMPTY_LIST:
        return { kind: 'list', items: [] }
      case OPCODES.EMPTY_DICT:
        return { kind: 'dict', entries: new Map() }
      case OPCODES.EMPTY_TUPLE:
        return { kind: 'tuple', items: [] }
      case OPCODES.TUPLE:
        return { kind: 'tuple', items: this.#popMarked() }
      case OPCODES.TUPLE1:
      case OPCODES.TUPLE2:
      case OPCODES.TUPLE3:
        return { kind: 'tuple', items: this.#popMany(opcode - OPCODES.TUPLE1 + 1) }
      case OPCODES.BINGET:
        return this.#recall(this.#byte())
      case OPCODES.LONG_BINGET:
        return this.#recall(this.#uint32())
      case OPCODES.GLOBAL:
      case OPCODES.INST:
        return this.#global(this.#line(), this.#line())
      case OPCODES.STACK_GLOBAL: {
        const [module, name] = this.#popMany(2)
        if (typeof module === 'string' && typeof name === 'string') return this.#global(module, name)
        return this.#damaged('names a class by something other than a string')
      }
      case OPCODES.BINPERSID:
        return this.host.persistent(this.#pop()) ?? this.#damaged('refers to something other than a storage')
      case OPCODES.REDUCE:
      case OPCODES.NEWOBJ:
        return this.#called()
      default:
        return undefined
    }
  }

  #act(opcode: number): void {
    switch (opcode) {
      case OPCODES.PROTO: {
        const protocol = this.#byte()
        if (protocol < 2 || protocol > 4) {
          this.#refuse(`is pickled by protocol ${protocol}`, 'save it with protocol 2, as torch.save does')
        }
        break
      }
      case OPCODES.FRAME:
        this.#take(8)
        break
      case OPCODES.MARK:
        this.#marks.push(this.#stack.length)
        break
      case OPCODES.APPEND:
        this.#append([this.#pop()])
        break
      case OPCODES.APPENDS:
        this.#append(this.#popMarked())
        break
      case OPCODES.SETITEM:
        this.#set(this.#popMany(2))
        break
      case OPCODES.SETITEMS:
        this.#set(this.#popMarked())
        break
      case OPCODES.BINPUT:
        this.#memo.set(this.#byte(), this.#top())
        break
      case OPCODES.LONG_BINPUT:
        this.#memo.set(this.#uint32(), this.#top())
        break
      case OPCODES.MEMOIZE:
        this.#memo.set(this.#memo.size, this.#top())
        break
      case OPCODES.BUILD:
        this.#build()
        break
      default: {
        const hex = `0x${opcode.toString(16).padStart(2, '0')}`
        this.#refuse(`has the pickle opcode ${hex}, which torch.save does not write`, STATE_DICT_ALONE)
      }
    }
  }

  #global(module: string, name: string): PickleGlobal {
    const full = `${module}.${name}`
    if (this.host.allows(full)) return { kind: 'global', name: full }
    return this.#refuse(
      `asks for ${quoted(full)}, and nothing that a pickle asks for is run`,
      STATE_DICT_ALONE,
    )
  }

  #called(): PickleValue<Made> {
    const [callee, args] = this.#popMany(2)
    if (!isKind(callee, 'global') || !isKind(args, 'tuple'))
      return this.#damaged('calls something that is not a function')
    const made = this.host.call(callee.name, args.items)
    return made ?? this.#damaged(`calls ${callee.name} in a way that torch.save does not`)
  }

  /** Sets attributes, such as the versions that PyTorch attaches to a state dict; nothing here reads them. */
  #build(): void {
    this.#pop()
    const target = this.#top()
    if (!isKind(target, 'dict') && !isKind(target, 'opaque'))
      this.#damaged('sets attributes of something other than a dictionary')
  }

  #append(values: readonly PickleValue<Made>[]): void {
    const list = this.#top()
    if (!isKind(list, 'list')) this.#damaged('appends to something that is not a list')
    for (const value of values) list.items.push(value)
  }

  #set(pairs: readonly PickleValue<Made>[]): void {
    const dict = this.#top()
    if (!isKind(dict, 'dict') || pairs.length % 2 !== 0)
      this.#damaged('sets an item of something that is not a dictionary')
    for (let i = 0; i < pairs.length; i += 2) dict.entries.set(pairs[i]!, pairs[i + 1]!)
  }

  #recall(slot: number): PickleValue<Made> {
    const value = this.#memo.get(slot)
    return value === undefined ? this.#damaged('recalls what it never stored') : value
  }

  /** Where the innermost open container begins: nothing below that may be popped. */
  get #floor(): number {
    return this.#marks.at(-1) ?? 0
  }

  #top(): PickleValue<Made> {
    if (this.#stack.length <= this.#floor) this.#damaged('takes more than it holds')
    return this.#stack.at(-1)!
  }

  #pop(): PickleValue<Made> {
    const value = this.#top()
    this.#stack.pop()
    return value
  }

  #popMany(count: number): PickleValue<Made>[] {
    if (this.#stack.length - count < this.#floor) this.#damaged('takes more than it holds')
    return this.#stack.splice(-count)
  }

  #popMarked(): PickleValue<Made>[] {
    const mark = this.#marks.pop()
    return mark === undefined ? this.#damaged('closes what it never opened') : this.#stack.splice(mark)
  }

  #take(count: number): number {
    const start = this.#at
    if (count > this.bytes.length - start) this.#damaged('is cut short')
    this.#at += count
    return start
  }

  #byte(): number {
    return this.bytes[this.#take(1)]!
  }

  #uint32(): number {
    return this.#view.getUint32(this.#take(4), true)
  }

  #long(count: number): number | bigint {
    const start = this.#take(count)
    let value = 0n
    for (let i = count - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[start + i]!)
    const signed = BigInt.asIntN(8 * count, value)
    return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed
  }

  #text(count: number): string {
    const start = this.#take(count)
    try {
      return UTF8.decode(this.bytes.subarray(start, start + count))
    } catch {
      return this.#damaged('has a string that is not UTF-8')
    }
  }

  #line(): string {
    const end = this.bytes.indexOf(0x0a, this.#at)
    if (end < 0) this.#damaged('is cut short')
    const text = this.#text(end - this.#at)
    this.#at = end + 1
    return text
  }

  #damaged(what: string): never {
    return this.#refuse(`has a pickle that ${what}`, DAMAGED)
  }

  #refuse(what: string, fix: string): never {
    return refuse(this.path, what, fix)
  }
}

/** Whether a value is of a certain kind; it narrows the type for the compiler. */
export function isKind<Made, K extends 'list' | 'tuple' | 'dict' | 'global' | 'opaque'>(
  value: PickleValue<Made> | undefined,
  kind: K,
): value is Extract<
  PickleList<Made> | PickleTuple<Made> | PickleDict<Made> | PickleGlobal | PickleOpaque,
  { kind: K }
> {
  return typeof value === 'object' && value !== null && (value as { kind: unknown }).kind === kind
}

/** The opcodes, under the names that Python's pickletools uses. */
const OPCODES = {
  PROTO: 0x80,
  FRAME: 0x95,
  STOP: 0x2e,
  MARK: 0x28,
  NONE: 0x4e,
  NEWTRUE: 0x88,
  NEWFALSE: 0x89,
  BININT: 0x4a,
  BININT1: 0x4b,
  BININT2: 0x4d,
  LONG1: 0x8a,
  BINFLOAT: 0x47,
  BINUNICODE: 0x58,
  SHORT_BINUNICODE: 0x8c,
  // Python 2 wrote its strings with these.
  BINSTRING: 0x54,
  SHORT_BINSTRING: 0x55,
  EMPTY_LIST: 0x5d,
  EMPTY_DICT: 0x7d,
  EMPTY_TUPLE: 0x29,
  TUPLE: 0x74,
  TUPLE1: 0x85,
  TUPLE2: 0x86,
  TUPLE3: 0x87,
  APPEND: 0x61,
  APPENDS: 0x65,
  SETITEM: 0x73,
  SETITEMS: 0x75,
  BINPUT: 0x71,
  LONG_BINPUT: 0x72,
  MEMOIZE: 0x94,
  BINGET: 0x68,
  LONG_BINGET: 0x6a,
  GLOBAL: 0x63,
  INST: 0x69,
  STACK_GLOBAL: 0x93,
  BINPERSID: 0x51,
  REDUCE: 0x52,
  NEWOBJ: 0x81,
  BUILD: 0x62,
} as const
