import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { append, largest, smallest } from '../../lib/base/lists.js'
import { PACKAGE } from '../../lib/install/home.js'

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

  it('are spread over the arguments of no call of the library, which takes only so many', () => {
    const spread = /\b(push|unshift|concat|fromCharCode|Math\.max|Math\.min)\(\.\.\./
    const lib = join(PACKAGE, 'lib')
    const found = readdirSync(lib, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .filter((name) => spread.test(readFileSync(join(lib, name), 'utf8')))
    expect(found).to.deep.equal([])
  })
})
