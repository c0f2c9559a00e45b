import { expect } from 'chai'
import fc from 'fast-check'
import {
  countConnections,
  histogram,
  histogramLimit,
  type LayerWeights,
  sparseEntries,
} from '../../lib/report/weights.js'
import { scope, type Tensor, tensor } from '../../lib/tensor/index.js'

const matrices = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 90 }))
  .chain(([rows, columns]) =>
    fc.array(fc.array(fc.boolean(), { minLength: columns, maxLength: columns }), {
      minLength: rows,
      maxLength: rows,
    }),
  )

/** A step at a time, as a decoder walks. */
function entriesByWalking(rows: readonly (readonly boolean[])[], bits: number): number {
  let entries = 0
  for (const row of rows) {
    let position = -1
    for (const [column, kept] of row.entries()) {
      if (!kept) continue
      for (; column - position > 2 ** bits; position += 2 ** bits) entries++
      entries++
      position = column
    }
  }
  return entries
}

function weightsOf(values: number[]): LayerWeights {
  const weight = tensor([values]) as Tensor<'float32'>
  return { weight, keep: weight.ne(0), [Symbol.dispose]: () => {} }
}

describe("statistics of a layer's weights", () => {
  it('count the entries of sparse rows, with the zeros that bridge long gaps', () => {
    fc.assert(
      fc.property(matrices, fc.integer({ min: 1, max: 8 }), (rows, bits) => {
        const entries = scope(() => sparseEntries(tensor(rows, { dtype: 'bool' }), bits))
        expect(entries).to.equal(entriesByWalking(rows, bits))
      }),
    )
  })

  it('count connections by output and input', () => {
    const counts = scope(() =>
      countConnections(
        tensor([
          [true, false, true],
          [false, false, true],
        ]),
      ),
    )
    expect(counts).to.deep.equal({ incoming: [2, 1], outgoing: [1, 0, 2] })
  })

  it('count connections of a convolution in groups by the channels that they read', () => {
    const kernel = (kept: number) => [[kept > 0, kept > 1]]
    // Two groups of one input channel each, and two filters a group.
    const keep = [[kernel(2)], [kernel(1)], [kernel(0)], [kernel(0)]]
    const counts = scope(() => countConnections(tensor(keep), { groups: 2, inputsFirst: false }))
    expect(counts).to.deep.equal({ incoming: [2, 1, 0, 0], outgoing: [3, 0] })
  })

  it('put kept weights into bins, and leave out far tails and what is no number', () => {
    scope(() => {
      const weights = weightsOf([-0.9, -0.1, 0, 0, 0.1, 0.6, Number.NaN, Number.POSITIVE_INFINITY])
      expect(histogram(weights, 1, 4)).to.deep.equal({ counts: [1, 1, 1, 1], total: 4 })
      expect(histogramLimit(weights)).to.be.closeTo(0.9, 1e-6)
      const tailed = weightsOf([...new Array(9999).fill(0.01), 100])
      expect(histogramLimit(tailed)).to.be.closeTo(5, 0.01)
      expect(histogramLimit(weightsOf([0, 0]))).to.equal(0)
    })
  })
})
