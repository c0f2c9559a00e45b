import { quoted } from '../base/files.js'
import { PickleBytes } from './pickle_bytes.js'
import { OPCODES } from './pickle_opcodes.js'
import { isKind, type PickleGlobal, type PickleValue } from './pickle_values.js'

/** Defines what a pickle may refer to. */
export interface PickleHost<Made> {
  /** Whether it may refer to this class or function; anything else is rejected by name. */
  allows(name: string): boolean
  /** Evaluates a call to an allowed name; returns undefined if the arguments do not match. */
  call(name: string, args: readonly PickleValue<Made>[]): PickleValue<Made> | undefined
  /** Resolves an identifier of something outside the pickle; returns undefined if it identifies nothing. */
  persistent(id: PickleValue<Made>): PickleValue<Made> | undefined
}

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
  const unpickler = new Unpickler(new PickleBytes(bytes, at, path), host)
  return { value: unpickler.run(), end: unpickler.end }
}

class Unpickler<Made> {
  readonly #bytes: PickleBytes
  readonly #host: PickleHost<Made>
  readonly #stack: PickleValue<Made>[] = []
  /** The positions on the stack at which the open containers begin. */
  readonly #marks: number[] = []
  readonly #memo = new Map<number, PickleValue<Made>>()

  constructor(bytes: PickleBytes, host: PickleHost<Made>) {
    this.#bytes = bytes
    this.#host = host
  }

  run(): PickleValue<Made> {
    for (;;) {
      const opcode = this.#bytes.byte()
      if (opcode === OPCODES.STOP) break
      this.#execute(opcode)
    }
    const value = this.#pop()
    if (this.#stack.length > 0 || this.#marks.length > 0) this.#bytes.damaged('ends before all of it is used')
    return value
  }

  /** The position after the pickle. */
  get end(): number {
    return this.#bytes.position
  }

  #execute(opcode: number): void {
    const literal = this.#bytes.literal(opcode)
    const value = literal === undefined ? this.#made(opcode) : literal
    if (value === undefined) this.#act(opcode)
    else this.#stack.push(value)
  }

  /** The value that an opcode makes of what is on the stack; undefined for opcodes that push none. */
  #made(opcode: number): PickleValue<Made> | undefined {
    switch (opcode) {
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
        return this.#recall(this.#bytes.byte())
      case OPCODES.LONG_BINGET:
        return this.#recall(this.#bytes.uint32())
      case OPCODES.GLOBAL:
      case OPCODES.INST:
        return this.#global(this.#bytes.line(), this.#bytes.line())
      case OPCODES.STACK_GLOBAL: {
        const [module, name] = this.#popMany(2)
        if (typeof module === 'string' && typeof name === 'string') return this.#global(module, name)
        return this.#bytes.damaged('names a class by something other than a string')
      }
      case OPCODES.BINPERSID:
        return (
          this.#host.persistent(this.#pop()) ??
          this.#bytes.damaged('refers to something other than a storage')
        )
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
        const protocol = this.#bytes.byte()
        if (protocol < 2 || protocol > 4) {
          this.#bytes.refuse(
            `is pickled by protocol ${protocol}`,
            'save it with protocol 2, as torch.save does',
          )
        }
        break
      }
      case OPCODES.FRAME:
        this.#bytes.skip(8)
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
        this.#memo.set(this.#bytes.byte(), this.#top())
        break
      case OPCODES.LONG_BINPUT:
        this.#memo.set(this.#bytes.uint32(), this.#top())
        break
      case OPCODES.MEMOIZE:
        this.#memo.set(this.#memo.size, this.#top())
        break
      case OPCODES.BUILD:
        this.#build()
        break
      default: {
        const hex = `0x${opcode.toString(16).padStart(2, '0')}`
        this.#bytes.refuse(`has the pickle opcode ${hex}, which torch.save does not write`, STATE_DICT_ALONE)
      }
    }
  }

  #global(module: string, name: string): PickleGlobal {
    const full = `${module}.${name}`
    if (this.#host.allows(full)) return { kind: 'global', name: full }
    return this.#bytes.refuse(
      `asks for ${quoted(full)}, and nothing that a pickle asks for is run`,
      STATE_DICT_ALONE,
    )
  }

  #called(): PickleValue<Made> {
    const [callee, args] = this.#popMany(2)
    if (!isKind(callee, 'global') || !isKind(args, 'tuple'))
      return this.#bytes.damaged('calls something that is not a function')
    const made = this.#host.call(callee.name, args.items)
    return made ?? this.#bytes.damaged(`calls ${callee.name} in a way that torch.save does not`)
  }

  /** Sets attributes, such as the versions that PyTorch attaches to a state dict; nothing here reads them. */
  #build(): void {
    this.#pop()
    const target = this.#top()
    if (!isKind(target, 'dict') && !isKind(target, 'opaque'))
      this.#bytes.damaged('sets attributes of something other than a dictionary')
  }

  #append(values: readonly PickleValue<Made>[]): void {
    const list = this.#top()
    if (!isKind(list, 'list')) this.#bytes.damaged('appends to something that is not a list')
    for (const value of values) list.items.push(value)
  }

  #set(pairs: readonly PickleValue<Made>[]): void {
    const dict = this.#top()
    if (!isKind(dict, 'dict') || pairs.length % 2 !== 0)
      this.#bytes.damaged('sets an item of something that is not a dictionary')
    for (let i = 0; i < pairs.length; i += 2) dict.entries.set(pairs[i]!, pairs[i + 1]!)
  }

  #recall(slot: number): PickleValue<Made> {
    const value = this.#memo.get(slot)
    return value === undefined ? this.#bytes.damaged('recalls what it never stored') : value
  }

  /** Where the innermost open container begins: nothing below that may be popped. */
  get #floor(): number {
    return this.#marks.at(-1) ?? 0
  }

  #top(): PickleValue<Made> {
    if (this.#stack.length <= this.#floor) this.#bytes.damaged('takes more than it holds')
    return this.#stack.at(-1)!
  }

  #pop(): PickleValue<Made> {
    const value = this.#top()
    this.#stack.pop()
    return value
  }

  #popMany(count: number): PickleValue<Made>[] {
    if (this.#stack.length - count < this.#floor) this.#bytes.damaged('takes more than it holds')
    return this.#stack.splice(-count)
  }

  #popMarked(): PickleValue<Made>[] {
    const mark = this.#marks.pop()
    return mark === undefined ? this.#bytes.damaged('closes what it never opened') : this.#stack.splice(mark)
  }
}
