import { expect } from 'chai'
import fc from 'fast-check'
import { loadAddon } from '../../lib/binding/addon.js'
import { linear } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { tensor } from '../../lib/tensor/from.js'
import { scope } from '../../lib/tensor/scope.js'
import { device } from '../support/device.js'
import { laterRefusal } from '../support/refusal.js'

/** What sharing these weights comes to. `keep` is which of them are not pruned. */
async function shareOf(
  weights: readonly number[],
  values: number,
  method: 'auto' | 'best' | 'lloyd',
  keep?: readonly number[],
) {
  using net = network([weights.length], { fc: linear(weights.length, 1) }, { device })
  const shape = [1, weights.length]
  using own = tensor(weights, { shape })
  using mask = keep && tensor(keep, { shape })
  await net.put([['fc.weight', own]], mask ? [{ name: 'fc.weight', kind: 'sealed', keep: mask.handle }] : [])
  const [found] = (await loadAddon().quantizeShare(net.handle, [{ name: 'fc.weight', values, method }])
    .promise)!
  return scope(() => {
    const { index, values: table } = net.codebook('fc')!
    return { ...found!, index: Array.from(index.data(), Number), table: Array.from(table.data(), Number) }
  })
}

function costOf(numbers: readonly number[]): number {
  const mean = numbers.reduce((sum, each) => sum + each, 0) / numbers.length
  return numbers.reduce((sum, each) => sum + (each - mean) ** 2, 0)
}

/** The smallest cost of up to `clusters` clusters of sorted numbers, by trying all places where they can begin. */
function bruteForce(sorted: readonly number[], clusters: number): number {
  if (clusters === 1 || sorted.length < 2) return sorted.length === 0 ? 0 : costOf(sorted)
  let best = costOf(sorted)
  for (let i = 1; i < sorted.length; i++) {
    best = Math.min(best, costOf(sorted.slice(0, i)) + bruteForce(sorted.slice(i), clusters - 1))
  }
  return best
}

const weight = fc.integer({ min: -40, max: 40 }).map((value) => value / 8)

describe('clusters of weights', () => {
  it('are the best there are, where they are found exactly', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(weight, { minLength: 1, maxLength: 11 }),
        fc.integer({ min: 1, max: 4 }),
        async (weights, values) => {
          const { squares, kept } = await shareOf(weights, values, 'best')
          const sorted = weights.toSorted((a, b) => a - b)
          expect(squares).to.be.closeTo(bruteForce(sorted, values), 1e-9)
          expect(kept).to.equal(weights.length)
        },
      ),
      { numRuns: 150 },
    ))

  for (const method of ['auto', 'best', 'lloyd'] as const) {
    it(`are runs of neighbors, all of them used, each weight nearest to its own mean: ${method}`, () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(weight, { minLength: 2, maxLength: 60 }),
          fc.integer({ min: 1, max: 12 }),
          async (weights, values) => {
            const { index, table, values: found } = await shareOf(weights, values, method)
            expect(found).to.equal(Math.min(values, new Set(weights).size))
            expect(new Set(index).size).to.equal(found)
            expect(Math.min(...index)).to.equal(1)
            const sorted = weights.map((value, i) => [value, index[i]!] as const).sort(([a], [b]) => a - b)
            expect(sorted.map(([, at]) => at)).to.deep.equal(
              sorted.map(([, at]) => at).toSorted((a, b) => a - b),
            )
            weights.forEach((value, i) => {
              const own = Math.abs(value - table[index[i]!]!)
              for (const other of table.slice(1)) expect(own).to.be.at.most(Math.abs(value - other) + 1e-6)
            })
          },
        ),
        { numRuns: 60 },
      ))
  }

  it('take no notice of what is pruned', async () => {
    const { index, table, kept } = await shareOf([9, 1, 2, -9, 1.1, 2.1], 2, 'best', [0, 1, 1, 0, 1, 1])
    expect(index).to.deep.equal([0, 1, 2, 0, 1, 2])
    expect(table).to.deep.equal([0, 1.05, 2.05].map(Math.fround))
    expect(kept).to.equal(4)
  })

  it('are at least as good where they are exact', async () => {
    const weights = Array.from({ length: 500 }, (_, i) => Math.sin(i * 12.9898) ** 3)
    const [best, lloyd, auto] = [
      await shareOf(weights, 16, 'best'),
      await shareOf(weights, 16, 'lloyd'),
      await shareOf(weights, 16, 'auto'),
    ]
    expect(best.squares).to.be.at.most(lloyd.squares)
    expect(auto.index).to.deep.equal(best.index)
  })

  it('refuses weights that are no numbers, with nothing changed', async () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const { code, message } = await laterRefusal(shareOf([1, bad, 2], 2, 'auto'))
      expect(code).to.equal('ERR_ARGUMENT')
      expect(message).to.match(/^weights of 'fc\.weight' are NaN or infinite: nothing was quantized$/)
    }
  })
})
