import { refuse } from '../base/files.js'
import { OPCODES } from './pickle_opcodes.js'

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const DAMAGED = 'it is damaged: fetch or write it again'

/** The bytes of a pickle, read from front to back: opcodes, and the numbers and strings that follow them. */
export class PickleBytes {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #path: string
  #at: number

  constructor(bytes: Uint8Array, at: number, path: string) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#path = path
    this.#at = at
  }

  /** The position after what was read. */
  get position(): number {
    return this.#at
  }

  byte(): number {
    return this.#bytes[this.skip(1)]!
  }

  uint32(): number {
    return this.#view.getUint32(this.skip(4), true)
  }

  /** Reads up to the end of a line. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at)
    if (end < 0) this.damaged('is cut short')
    const text = this.#text(end - this.#at)
    this.#at = end + 1
    return text
  }

  /** Reads the plain value that an opcode stands for; undefined for opcodes that stand for none. */
  literal(opcode: number): null | boolean | number | bigint | string | undefined {
    switch (opcode) {
      case OPCODES.NONE:
        return null
      case OPCODES.NEWTRUE:
        return true
      case OPCODES.NEWFALSE:
        return false
      case OPCODES.BININT:
        return this.#view.getInt32(this.skip(4), true)
      case OPCODES.BININT1:
        return this.byte()
      case OPCODES.BININT2:
        return this.#view.getUint16(this.skip(2), true)
      case OPCODES.LONG1:
        return this.#long(this.byte())
      case OPCODES.BINFLOAT:
        return this.#view.getFloat64(this.skip(8), false)
      case OPCODES.BINUNICODE:
      case OPCODES.BINSTRING:
        return this.#text(this.uint32())
      case OPCODES.SHORT_BINUNICODE:
      case OPCODES.SHORT_BINSTRING:
        return this.#text(this.byte())
      default:
        return undefined
    }
  }

  /** Passes over bytes, and returns where they begin. */
  skip(count: number): number {
    const start = this.#at
    if (count > this.#bytes.length - start) this.damaged('is cut short')
    this.#at += count
    return start
  }

  #long(count: number): number | bigint {
    const start = this.skip(count)
    let value = 0n
    for (let i = count - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#bytes[start + i]!)
    const signed = BigInt.asIntN(8 * count, value)
    return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed
  }

  #text(count: number): string {
    const start = this.skip(count)
    try {
      return UTF8.decode(this.#bytes.subarray(start, start + count))
    } catch {
      return this.damaged('has a string that is not UTF-8')
    }
  }

  damaged(what: string): never {
    return this.refuse(`has a pickle that ${what}`, DAMAGED)
  }

  refuse(what: string, fix: string): never {
    return refuse(this.#path, what, fix)
  }
}
