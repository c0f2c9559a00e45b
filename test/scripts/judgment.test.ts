import { expect } from 'chai'
import { judgeLosses, lossWords, most, relativeDifferences } from '../../scripts/compare/judgment.js'

/** Losses of 8 steps, each `apart(step)` from 2, relative. */
const losses = (apart: (step: number) => number) => Array.from({ length: 8 }, (_, i) => 2 * (1 + apart(i)))
const theirs = losses(() => 0)
/** Rounding that grows tenfold with each step. */
const growing = (first: number) => losses((step) => first * 10 ** step)

describe("the judgment of losses against Python's own spread", () => {
  it('passes the same bits, and says so', () => {
    const judgment = judgeLosses(theirs, theirs, growing(1e-8))
    expect(judgment).to.include({ identical: 8, ours: 0 }).and.not.have.property('failedAt')
    expect(lossWords(judgment)).to.equal('all 8 losses have the same bits')
  })

  it('passes differences like those of Python with other threads, while these are small', () => {
    const judgment = judgeLosses(growing(3e-8), theirs, growing(1e-8))
    expect(judgment).to.include({ steps: 8, judged: 3 }).and.not.have.property('failedAt')
    expect(judgment.pythonAfter).to.be.closeTo(0.1, 1e-3)
    expect(lossWords(judgment)).to.equal(
      "steps 1 to 3 of 8 by Python's own spread (1 thread against 2): ours 3.0e-6 from Python's, Python's own 1.0e-6",
    )
  })

  it('fails what lies far outside of them, and NaN', () => {
    expect(
      judgeLosses(
        losses(() => 1e-4),
        theirs,
        growing(1e-8),
      ).failedAt,
    ).to.equal(1)
    expect(
      judgeLosses(
        growing(3e-7),
        theirs,
        losses(() => 1e-8),
      ).failedAt,
    ).to.equal(2)
    expect(judgeLosses([2, Number.NaN, 2, 2, 2, 2, 2, 2], theirs, theirs).failedAt).to.equal(2)
  })

  it('measures how far losses are apart by step, and lets no NaN pass as the largest', () => {
    expect(relativeDifferences([2, 3, 0], [2, 4, 0])).to.deep.equal([0, 0.25, 0])
    expect(most([])).to.equal(0)
    expect(most([1, 3, 2])).to.equal(3)
    expect(most(relativeDifferences([2, Number.NaN, 1], [1, 1, 1]))).to.be.NaN
  })

  it('passes the rounding of a sum where Python has none', () => {
    expect(
      judgeLosses(
        losses(() => 5e-7),
        theirs,
        theirs,
      ),
    ).to.not.have.property('failedAt')
  })
})
