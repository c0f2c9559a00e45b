import { expect } from 'chai'

import { renderTable } from '../../lib/cli/table.js'

describe('tables', () => {
  it('align numbers to the right and words to the left, under a rule', () => {
    const table = renderTable(
      ['layer', 'weights', 'kept'],
      [
        ['fc1', '235K', '8%'],
        ['total', 266200, '100%'],
      ],
    )
    expect(table.split('\n')).to.deep.equal([
      'layer  weights  kept',
      '─────  ───────  ────',
      'fc1       235K    8%',
      'total   266200  100%',
    ])
  })

  it('take blanks for numbers that are not there, and short rows', () => {
    const table = renderTable(['method', '×'], [['ours', '12.1×'], ['theirs', '–'], ['nobody']])
    expect(table.split('\n')).to.deep.equal([
      'method      ×',
      '──────  ─────',
      'ours    12.1×',
      'theirs      –',
      'nobody',
    ])
  })

  it('align as they are told', () => {
    const table = renderTable(
      [
        { title: 'id', align: 'left' },
        { title: 'name', align: 'right' },
      ],
      [[1, 'a']],
    )
    expect(table.split('\n').at(-1)).to.equal('1      a')
  })

  it('without rows are titles and a rule', () => {
    expect(renderTable(['a', 'bc'], [])).to.equal('a  bc\n─  ──')
  })

  it('let no control character through to the terminal', () => {
    expect(renderTable(['\x1b[31mlayer'], [['a\nb\x1b[2J']])).to.not.match(/[^\P{Cc}\n]/u)
    expect(renderTable(['layer'], [['a\nb']]).split('\n')).to.have.length(3)
  })
})
