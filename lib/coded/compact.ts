import { Floats, LoneValues, readBit, readTree } from './floats.js'
import type { Taker } from './matrix.js'
import { Counters, MOST_STRETCH, squash } from './model.js'
import { Places, placePredictor } from './places.js'
import { RangeDecoder } from './range_decoder.js'
import { SharedValues } from './shared_values.js'

const PRIOR_BITS = 8
const PRIOR_STEP = 24
const PERIOD_BITS = 6
const ZEROS_BITS = 5
const SHARED_BITS = 12
const LIMIT = 255

/** What is coded of a tensor before its rows. */
export interface CompactHead {
  readonly sparse: boolean
  readonly prior: number
  readonly period: number
  /** 1 for each row in which something stands. */
  readonly liveRows: Uint8Array
  /** The columns in which something stands. */
  readonly liveColumns: Uint32Array
  /** The table of values, where there is one. */
  readonly shared: Uint32Array | undefined
  /** The number of last bits that are 0 in all values. */
  readonly zeros: number
}

/**
 * Reads a block of the profile `compact`, in which every bit is coded by the probability that models of what is around
 * it give it. A block begins without any knowledge.
 */
export class CompactBlock {
  readonly #decoder: RangeDecoder
  readonly #liveRow = new Counters(2, LIMIT)
  readonly #liveColumn = new Counters(8, LIMIT)
  readonly #places = placePredictor()
  readonly #floats = new Floats()
  readonly #byte = new Counters(256 * 8, LIMIT)
  /** Which rows of the last sparse tensor are alive. */
  #lastRows = new Uint8Array()

  constructor(bytes: Uint8Array, begin: number, end: number) {
    this.#decoder = new RangeDecoder(bytes, begin, end)
  }

  head(rows: number, columns: number): CompactHead {
    const decoder = this.#decoder
    const sparse = decoder.bits(1) === 1
    let [prior, period] = [0, 0]
    let liveRows = new Uint8Array()
    let liveColumns = new Uint32Array()
    if (sparse) {
      prior = squash(decoder.bits(PRIOR_BITS) * PRIOR_STEP - MOST_STRETCH)
      period = decoder.bits(PERIOD_BITS)
      liveRows = this.#readRows(rows)
      liveColumns = this.#readColumns(columns, period)
      this.#lastRows = liveRows
    }
    const isShared = decoder.bits(1) === 1
    const zeros = decoder.bits(ZEROS_BITS)
    if (zeros > 23) decoder.refuse('a float of fewer than no bits')
    const shared = isShared ? new Uint32Array(decoder.bits(SHARED_BITS) + 1) : undefined
    for (let i = 0, before = 0x80000000; shared !== undefined && i < shared.length; i++)
      shared[i] = before = this.#floats.read(decoder, zeros, before)
    return { sparse, prior, period, liveRows, liveColumns, shared, zeros }
  }

  /** Reads `count` rows from the row `first` on. */
  rows(head: CompactHead, columns: number, first: number, count: number, taker: Taker): void {
    const decoder = this.#decoder
    const { sparse, prior, period, liveRows, liveColumns, shared, zeros } = head
    const values = shared ? new SharedValues(shared, period, columns) : new LoneValues(this.#floats, zeros)
    const places = sparse ? new Places(this.#places, prior, period, columns, liveColumns) : undefined
    for (let row = first; row < first + count; row++) {
      values.beginRow()
      if (places === undefined)
        for (let column = 0; column < columns; column++) taker.put(column, values.read(decoder, column))
      else if (liveRows[row] === 1) {
        places.beginRow()
        for (let column = places.next(decoder); column >= 0; column = places.next(decoder))
          taker.put(column, values.read(decoder, column))
        places.endRow()
      }
      taker.endRow()
    }
  }

  /** Reads elements of `width` bytes that are not floats. */
  bytes(count: number, width: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(count * width)
    for (let i = 0; i < bytes.length; i++)
      bytes[i] = readTree(this.#decoder, this.#byte, 256 * (i % width), 8)
    return bytes
  }

  /** Throws unless the block has been read to its end. */
  finish(): void {
    this.#decoder.finish()
  }

  #readRows(rows: number): Uint8Array<ArrayBuffer> {
    const live = new Uint8Array(rows)
    for (let row = 0, before = 1; row < rows; row++)
      live[row] = before = readBit(this.#decoder, this.#liveRow, before)
    return live
  }

  #readColumns(columns: number, period: number): Uint32Array<ArrayBuffer> {
    // Columns that read a neuron of the tensor before.
    const sources = this.#lastRows.length
    const each = sources > 0 && columns % sources === 0 ? columns / sources : 0
    const live = new Uint8Array(columns)
    let count = 0
    for (let column = 0, before = 1; column < columns; column++) {
      const source = each > 0 ? this.#lastRows[Math.floor(column / each)]! : 1
      const above = period > 0 && column >= period ? live[column - period]! : 1
      before = readBit(this.#decoder, this.#liveColumn, before | (above << 1) | (source << 2))
      live[column] = before
      count += before
    }
    const list = new Uint32Array(count)
    for (let column = 0, at = 0; column < columns; column++) if (live[column]) list[at++] = column
    return list
  }
}
