import { expect } from 'chai'
import { linear } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { weightStatistics } from '../../lib/prune/mask.js'
import { tensor } from '../../lib/tensor/from.js'
import { device } from '../support/device.js'

const [ROWS, COLUMNS] = [1000, 4500]

/** Kahan's sum: that of four million numbers one after the other is off in its twelfth digit. */
function sumOf(values: Float32Array, term: (value: number) => number): number {
  let sum = 0
  let lost = 0
  for (const value of values) {
    const part = term(value) - lost
    const next = sum + part
    lost = next - sum - part
    sum = next
  }
  return sum
}

function deviationOf(values: Float32Array): number {
  const mean = sumOf(values, (value) => value) / values.length
  return Math.sqrt(sumOf(values, (value) => (value - mean) ** 2) / values.length)
}

describe('statistics of weights that are taken in parts', () => {
  const values = Float32Array.from({ length: ROWS * COLUMNS }, (_, i) => 3 + Math.sin(i) + i / 1e6)
  const keep = Uint8Array.from(values, (_, i) => Number(i % 3 !== 0 && i > 2 ** 20))
  const survivors = values.filter((_, i) => keep[i] === 1)
  const loaded = async () => {
    const net = network([COLUMNS], { fc: linear(COLUMNS, ROWS) }, { device })
    using weight = tensor(values, { shape: [ROWS, COLUMNS] })
    await net.put([['fc.weight', weight]])
    return net
  }

  it('are those of all of them at once, to the last digits', async () => {
    using net = await loaded()
    const [found] = await weightStatistics(net, ['fc'])
    expect(found).to.include({ count: values.length, kept: values.length, zeros: 0, nan: 0, infinite: 0 })
    expect(found!.deviation / deviationOf(values)).to.be.closeTo(1, 3e-12)
    expect(found!.survivorDeviation).to.equal(found!.deviation)
  })

  it('tell the survivors of a mask from all, pruned ones as 0, sealed or spliced', async () => {
    using net = await loaded()
    using mask = tensor(keep, { shape: [ROWS, COLUMNS] })
    const masked = values.map((value, i) => value * keep[i]!)
    for (const way of ['splice', 'setMask'] as const) {
      await net[way]('fc', mask)
      const [found] = await weightStatistics(net, ['fc'])
      expect(found, way).to.include({ count: values.length, kept: survivors.length, zeros: 0 })
      expect(found!.survivorDeviation / deviationOf(survivors), way).to.be.closeTo(1, 3e-12)
      expect(found!.deviation / deviationOf(masked), way).to.be.closeTo(1, 3e-12)
    }
  })

  it('count what is no number, in whichever part it is', async () => {
    using net = await loaded()
    const broken = values.slice()
    broken[7] = Number.NaN
    broken[values.length - 2] = Number.POSITIVE_INFINITY
    broken[values.length - 1] = 0
    using weight = tensor(broken, { shape: [ROWS, COLUMNS] })
    await net.put([['fc.weight', weight]])
    const [found] = await weightStatistics(net, ['fc'])
    expect(found).to.include({ nan: 1, infinite: 1, zeros: 1 })
    expect(found!.deviation).to.be.NaN
  })
})
