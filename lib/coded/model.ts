/**
 * Models of bits: counters that learn a probability, of which a Predictor weighs several. Every reader must
 * reach the same probabilities as native/coded/model.h, so this is arithmetic on 32-bit integers, and for one table on
 * float64, of which only correctly rounded operations are used.
 */

/** One in a counter, whose probabilities have 22 bits; those that bits are coded with have 16. */
const COUNTER_ONE = 2 ** 22
/** Where the logarithm of odds is cut off, in steps of 1/256. */
export const MOST_STRETCH = 3071
/** What a counter moves towards when it sees a 1. */
export const ONE = COUNTER_ONE - 1
const SEEN_BITS = 10
const MOST_SEEN = 2 ** SEEN_BITS

/** By how much a counter that has seen n bits moves: 1 / (n + 1.5), in 1/4096. */
const RATE = Int32Array.from({ length: MOST_SEEN }, (_, seen) => Math.floor(8192 / (2 * seen + 3)))
/** 65536 / (1 + e^-x), for x of -MOST_STRETCH to MOST_STRETCH. */
const SQUASH = new Uint16Array(2 * MOST_STRETCH + 1)
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
 * A counter estimates the probability of a 1, and learns from each bit, fast at first. It is a number of 32 bits, which
 * holds the estimate in its upper 22, and below it how many bits it has seen. Its upper 16 are the probability that bits
 * are coded with; of a 0, which is none, STRETCH makes the same as of a 1.
 */
export function counterOf(p: number, seen: number): number {
  return (p << SEEN_BITS) | seen
}

/** A counter that has seen nothing. */
export const NEW_COUNTER = counterOf(COUNTER_ONE / 2, 0)

/** A counter after a bit. `one` is ONE for a 1, and 0 for a 0; `limit` is the most that it counts. */
export function learned(counter: number, one: number, limit: number): number {
  const p = counter >>> SEEN_BITS
  const seen = counter & (MOST_SEEN - 1)
  return ((p + (Math.imul((one - p) >> 4, RATE[seen]!) >> 8)) << SEEN_BITS) | (seen < limit ? seen + 1 : seen)
}

/** Counters, one for each of some contexts. */
export class Counters {
  readonly #cells: Int32Array
  readonly #limit: number

  constructor(contexts: number, limit: number) {
    this.#cells = new Int32Array(contexts).fill(NEW_COUNTER)
    this.#limit = limit
  }

  /** The probability of a 1 in a context, in 1..65535. */
  probability(context: number): number {
    return Math.max(this.#cells[context]! >>> 16, 1)
  }

  update(context: number, bit: number): void {
    this.#cells[context] = learned(this.#cells[context]!, bit ? ONE : 0, this.#limit)
  }
}
