/**
 * Models of bits: counters that learn a probability, and mixers that weigh those of several counters. Every reader must
 * reach the same probabilities as native/coded/model.h, so this is arithmetic on 32-bit integers, and for one table on
 * float64, of which only correctly rounded operations are used.
 */

/** One in a counter, whose probabilities have 22 bits; those that bits are coded with have 16. */
export const COUNTER_ONE = 2 ** 22
/** Where the logarithm of odds is cut off, in steps of 1/256. */
export const MOST_STRETCH = 3071
const SEEN_BITS = 10
const MOST_SEEN = 2 ** SEEN_BITS

/** By how much a counter that has seen n bits moves: 1 / (n + 1.5), in 1/4096. */
const RATE = Int32Array.from({ length: MOST_SEEN }, (_, seen) => Math.floor(8192 / (2 * seen + 3)))
/** 65536 / (1 + e^-x), for x of -MOST_STRETCH to MOST_STRETCH. */
export const SQUASH = new Uint16Array(2 * MOST_STRETCH + 1)
/** Its inverse. */
export const STRETCH = new Int16Array(65536).fill(MOST_STRETCH)

{
  // e^(1/256). Powers are products, which every machine rounds in the same way.
  const STEP = 1.0039138893383475
  let power = 1
  for (let x = 0; x <= MOST_STRETCH; x++, power *= STEP) {
    const above = Math.floor((65536 * power) / (1 + power))
    SQUASH[MOST_STRETCH + x] = Math.min(above, 65535)
    SQUASH[MOST_STRETCH - x] = above > 65535 ? 1 : 65536 - above
  }
  for (let x = -MOST_STRETCH, next = 0; x <= MOST_STRETCH; x++) {
    for (const probability = SQUASH[x + MOST_STRETCH]!; next <= probability; next++) STRETCH[next] = x
  }
}

/** The probability of a logarithm of odds. */
export function squash(x: number): number {
  return SQUASH[Math.max(-MOST_STRETCH, Math.min(x, MOST_STRETCH)) + MOST_STRETCH]!
}

/**
 * Estimates of the probability of a 1 that learn from each bit, fast at first: one for each of some contexts. A cell
 * holds the estimate in 22 bits, and below it how many bits it has seen.
 */
export class Counters {
  readonly #cells: Int32Array
  readonly #limit: number

  /** @param p the first estimate, as if it came from `seen` bits */
  constructor(contexts: number, limit: number, p = COUNTER_ONE / 2, seen = 0) {
    this.#cells = new Int32Array(contexts).fill((p << SEEN_BITS) | seen)
    this.#limit = limit
  }

  set(context: number, p: number, seen: number): void {
    this.#cells[context] = (p << SEEN_BITS) | seen
  }

  /** The probability of a 1 in a context, in 1..65535. */
  probability(context: number): number {
    return Math.max(this.#cells[context]! >>> (SEEN_BITS + 6), 1)
  }

  update(context: number, bit: number): void {
    const cell = this.#cells[context]!
    const p = cell >>> SEEN_BITS
    const seen = cell & (MOST_SEEN - 1)
    const error = (bit ? COUNTER_ONE - 1 : 0) - p
    const moved = p + (Math.imul(error >> 4, RATE[seen]!) >> 8)
    this.#cells[context] = (moved << SEEN_BITS) | (seen < this.#limit ? seen + 1 : seen)
  }
}

const MOST_WEIGHT = 2 ** 18 - 1
const INPUTS = 3

/**
 * Weighs the opinions of up to three counters: logarithms of odds, of which a 0 counts for nothing. It has a set of
 * weights for each of a few contexts.
 */
export class Mixer {
  readonly #weights: Int32Array
  readonly #shift: number
  readonly #half: number
  #set = 0
  #a = 0
  #b = 0
  #c = 0
  #probability = 0

  constructor(contexts: number, weight: number, shift: number) {
    this.#weights = new Int32Array(INPUTS * contexts).fill(weight)
    this.#shift = shift
    this.#half = 1 << (shift - 1)
  }

  mix(context: number, a: number, b: number, c = 0): number {
    const weights = this.#weights
    const set = context * INPUTS
    this.#set = set
    this.#a = a
    this.#b = b
    this.#c = c
    const sum =
      (Math.imul(a, weights[set]!) >> 4) +
      (Math.imul(b, weights[set + 1]!) >> 4) +
      (Math.imul(c, weights[set + 2]!) >> 4)
    this.#probability = squash(sum >> 12)
    return this.#probability
  }

  update(bit: number): void {
    const error = ((bit << 16) - this.#probability) >> 2
    this.#learn(this.#set, Math.imul(this.#a, error))
    this.#learn(this.#set + 1, Math.imul(this.#b, error))
    this.#learn(this.#set + 2, Math.imul(this.#c, error))
  }

  #learn(at: number, step: number): void {
    const moved = this.#weights[at]! + ((step + this.#half) >> this.#shift)
    this.#weights[at] = Math.max(-MOST_WEIGHT, Math.min(moved, MOST_WEIGHT))
  }
}
