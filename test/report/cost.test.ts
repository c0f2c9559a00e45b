import { expect } from 'chai'
import { energyByLayer, type SparseLayer, total } from '../../lib/report/cost.js'
import { formatBytes, formatEnergy } from '../../lib/report/quantities.js'

const layer: SparseLayer = {
  name: 'fc1',
  kind: 'fc',
  weights: 1000,
  kept: 100,
  density: 0.1,
  flop: 2000,
  activationDensity: 0.5,
  flopShare: 0.05,
  entries: 104,
}

describe('costs', () => {
  it('are the energy of multiply-adds, and of reading each weight once', () => {
    const [dram] = energyByLayer([layer], 'dram')
    expect(dram!.dense).to.be.closeTo(1000 * (0.9 + 3.7) + 1000 * 640, 1e-6)
    expect(dram!.pruned).to.be.closeTo(50 * (0.9 + 3.7) + ((104 * 37) / 32) * 640, 1e-6)
    const [sram] = energyByLayer([layer], 'sram')
    expect(sram!.dense).to.be.closeTo(1000 * (0.9 + 3.7) + 1000 * 5, 1e-6)
  })

  it('have indices of 5 bits, 8 in convolutions', () => {
    const [conv] = energyByLayer([{ ...layer, kind: 'conv' }], 'dram')
    expect(conv!.pruned).to.be.closeTo(50 * (0.9 + 3.7) + ((104 * 40) / 32) * 640, 1e-6)
  })

  it('add up', () => {
    const parts = [
      { name: 'a', dense: 3, pruned: 1 },
      { name: 'b', dense: 4, pruned: 2 },
    ]
    expect(total('all', parts)).to.deep.equal({ name: 'all', dense: 7, pruned: 3 })
  })

  it('are written in the unit that fits', () => {
    expect([0, 4.6, 999.6, 171_000_000, 2e15].map(formatEnergy)).to.deep.equal([
      '0 pJ',
      '4.6 pJ',
      '1 nJ',
      '171 µJ',
      '2000 J',
    ])
    expect([0, 999, 1_066_440, 553e6].map(formatBytes)).to.deep.equal(['0 B', '999 B', '1.07 MB', '553 MB'])
  })
})
