/** A list of numbers that grows. */
class Numbers {
  #values = new Uint32Array(64)
  length = 0

  push(value: number): void {
    if (this.length === this.#values.length) {
      const longer = new Uint32Array(2 * this.length)
      longer.set(this.#values)
      this.#values = longer
    }
    this.#values[this.length++] = value
  }

  /** What has been pushed, in memory of its own. */
  done(): Uint32Array<ArrayBuffer> {
    return this.#values.slice(0, this.length)
  }
}

/** Takes what stands in a tensor, row by row. Values are the bits of float32. */
export interface Taker {
  /** Something stands in a column of the present row. */
  put(column: number, value: number): void
  /** The present row is over. */
  endRow(): void
}

/** Rows of which few places hold something. */
export class SparseTaker implements Taker {
  readonly #rowStart: Uint32Array<ArrayBuffer>
  readonly #columns = new Numbers()
  readonly #values = new Numbers()
  #row = 0

  constructor(rows: number) {
    this.#rowStart = new Uint32Array(rows + 1)
  }

  put(column: number, value: number): void {
    this.#columns.push(column)
    this.#values.push(value)
  }

  endRow(): void {
    this.#rowStart[++this.#row] = this.#columns.length
  }

  done(): SparseRows {
    const values = new Float32Array(this.#values.done().buffer)
    return { rowStart: this.#rowStart, columns: this.#columns.done(), values }
  }
}

/** Rows that are full. */
export class DenseTaker implements Taker {
  readonly values: Float32Array
  readonly #bits: Uint32Array
  #at = 0

  constructor(size: number) {
    this.values = new Float32Array(size)
    this.#bits = new Uint32Array(this.values.buffer)
  }

  put(_column: number, value: number): void {
    this.#bits[this.#at++] = value
  }

  endRow(): void {}
}

/**
 * A matrix in compressed rows: the columns and values of row `r` are at `rowStart[r]` up to, and without,
 * `rowStart[r + 1]`.
 */
export interface SparseRows {
  readonly rowStart: Uint32Array
  readonly columns: Uint32Array
  readonly values: Float32Array
}
