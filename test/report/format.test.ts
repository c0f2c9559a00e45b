import { expect } from 'chai'

import { formatCount, formatPercent, formatRatio, formatSeconds } from '../../lib/report/format.js'

describe('figures', () => {
  it('count as papers do', () => {
    const counts = [
      0, 500, 999, 1000, 21_987, 266_610, 430_500, 999_499, 999_600, 6.7e6, 10.3e6, 60_965_224, 30.9e9,
    ]
    expect(counts.map(formatCount)).to.deep.equal([
      '0',
      '500',
      '999',
      '1K',
      '22K',
      '267K',
      '431K',
      '999K',
      '1M',
      '6.7M',
      '10.3M',
      '61M',
      '30.9B',
    ])
    expect(formatCount(-1500)).to.equal('-1.5K')
    expect(formatCount(NaN)).to.equal('–')
  })

  it('show percent, ratios and seconds', () => {
    expect([1.59, 0, 100].map((percent) => formatPercent(percent))).to.deep.equal([
      '1.59%',
      '0.00%',
      '100.00%',
    ])
    expect(formatPercent(8.4, 0)).to.equal('8%')
    expect([12.1, 12, 1, 99.97, 108.4].map(formatRatio)).to.deep.equal(['12.1×', '12×', '1×', '100×', '108×'])
    expect([0.0449, 0.9999, 3.44, 9.97, 12.4, 59.7, 80.5, 3599.7, 7500].map(formatSeconds)).to.deep.equal([
      '45ms',
      '1s',
      '3.4s',
      '10s',
      '12s',
      '1m 0s',
      '1m 21s',
      '1h 0m',
      '2h 5m',
    ])
    expect([formatPercent(NaN), formatRatio(Infinity), formatSeconds(Infinity)]).to.deep.equal([
      '–',
      '–',
      '–',
    ])
  })
})
