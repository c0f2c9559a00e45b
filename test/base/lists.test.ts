import { expect } from 'chai'
import { append, largest, product, repeated, smallest } from '../../lib/base/lists.js'
import { sourceOf, sources } from '../support/sources.js'

describe('lists', () => {
  const LONG = Array.from({ length: 300_000 }, (_, i) => i)

  it('of any length are added to others', () => {
    const to = [-1]
    append(to, LONG)
    expect([to.length, to.at(0), to.at(-1)]).to.deep.equal([300_001, -1, 299_999])
  })

  it('of any length have a largest and a smallest number', () => {
    expect([largest(LONG), smallest(LONG)]).to.deep.equal([299_999, 0])
    expect([largest([]), smallest([])]).to.deep.equal([Math.max(), Math.min()])
  })

  it('have a product, and perhaps a value that occurs again', () => {
    expect([product([2, 3, 4]), product([])]).to.deep.equal([24, 1])
    expect([repeated(['a', 'b', 'c', 'b', 'a']), repeated(['a', 'b']), repeated([''])]).to.deep.equal([
      'b',
      undefined,
      undefined,
    ])
  })

  it('are spread over the arguments of no call of the library, which takes only so many', () => {
    const spread = /\b(push|unshift|concat|fromCharCode|Math\.max|Math\.min)\(\.\.\./
    const found = sources('lib', /\.ts$/).filter((file) => spread.test(sourceOf(file)))
    expect(found).to.deep.equal([])
  })
})
