import { expect } from 'chai'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { conv2d, flatten, linear } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { sgd } from '../../lib/optim/spec.js'
import type { Criterion } from '../../lib/prune/criterion.js'
import { applyCriterion, keptWeights } from '../../lib/prune/mask.js'
import { prune } from '../../lib/prune/prune.js'
import { criteria } from '../../lib/prune/score/index.js'
import { spliceOnce } from '../../lib/prune/splicing.js'
import { sensitivity } from '../../lib/studies/sensitivity.js'
import { solveThresholds } from '../../lib/studies/solve.js'
import { tensor } from '../../lib/tensor/from.js'
import { snapshot } from '../nn/bits.js'
import { device } from '../support/device.js'
import { readGolden } from '../support/golden.js'
import { laterRefusal } from '../support/refusal.js'
import { toyData, toyNetwork } from '../train/toy.js'
import { expectSealed } from './sealed.js'

type Layer = 'conv1' | 'fc1' | 'fc2'
const golden = readGolden<{
  layers: Layer[]
  cases: { name: string; weights: string; criterion: 'layer' | 'global' | 'filters'; densities: number[] }[]
}>('counts')

const make = () =>
  network(
    [3, 4, 4],
    { conv1: conv2d(3, 6, 3), flat: flatten(), fc1: linear(24, 12), fc2: linear(12, 5) },
    { device },
  )

const made: Record<string, (density: number) => Criterion<never>> = {
  layer: (density) => criteria.magnitude().density(density),
  global: (density) => criteria.magnitude().global(density),
  filters: (density) => criteria.filterNorm().filters(density),
}

describe('a density is met exactly where magnitudes are equal, in two rounds:', () => {
  for (const { name, weights, criterion, densities } of golden.fixture.cases) {
    it(name, async () => {
      using net = make()
      for (const layer of golden.fixture.layers) {
        using values = golden.tensor(`weight.${weights}.${layer}`)
        await net.put([[`${layer}.weight`, values]])
      }
      for (const [round, density] of densities.entries()) {
        await applyCriterion(net, made[criterion]!(density))
        for (const layer of golden.fixture.layers) {
          using mask = net.mask(layer)!.to('uint8')
          using expected = golden.tensor(`${name}.${round + 1}.${layer}`)
          expect(mask.data(), `${layer}, round ${round + 1}`).to.deep.equal(expected.data())
        }
        await expectSealed(net)
      }
    })
  }
})

/** Gives each weight of the toy network a value. */
async function fill(net: AnyNetwork, value: (index: number) => number): Promise<void> {
  for (const layer of net.prunable) {
    using weight = net.tensor(`${layer}.weight`)
    const values = Float32Array.from({ length: weight.numel }, (_, i) => value(i))
    using filled = tensor(values, { shape: [...weight.shape] })
    await net.put([[`${layer}.weight`, filled]])
  }
}
const alike = (index: number) => (index % 2 ? 0.5 : -0.5)
const kept = async (net: AnyNetwork) => (await keptWeights(net)).map((layer) => layer.kept)
/** Positions that a layer keeps. */
function positions(net: AnyNetwork, layer: string): number[] {
  using mask = net.mask(layer)!
  return [...mask.data()].flatMap((keep, i) => (keep ? [i] : []))
}
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)

describe('the first of equal weights stay', () => {
  const half: [string, Criterion<never>][] = [
    ['by layer', criteria.magnitude().density(0.25)],
    ['normalized', criteria.magnitude().global(0.875, { normalize: 'current' })],
    ['by scores of a layer', criteria.scores(({ weight }) => weight.abs()).density(0.25)],
    ['by whole scores', criteria.scores(({ weight }) => weight.abs().to('int64')).density(0.25)],
  ]
  for (const [what, criterion] of half) {
    it(what, async () => {
      using net = toyNetwork()
      await fill(net, alike)
      await applyCriterion(net, criterion)
      const counts = criterion.select.kind === 'density' ? [24, 12] : [96, 30]
      expect(await kept(net)).to.deep.equal(counts)
      for (const [i, layer] of net.prunable.entries()) {
        if (counts[i] !== 96) expect(positions(net, layer), layer).to.deep.equal(upTo(counts[i]!))
      }
    })
  }

  it('of layers whose weights are all 0', async () => {
    using net = toyNetwork()
    await fill(net, () => 0)
    await applyCriterion(net, criteria.magnitude().density({ fc1: 0.5, fc2: 0.1 }))
    expect(await kept(net)).to.deep.equal([48, 5])
    expect((await keptWeights(net)).map(({ zeros }) => zeros)).to.deep.equal([48, 5])
  })

  it('in every round of prune(), of those that are left', async () => {
    using net = toyNetwork()
    await fill(net, alike)
    const data = { train: toyData(16), validation: toyData(16) }
    // A rate this small leaves most weights equal.
    const retrain = { epochs: 1, optimizer: sgd({ lr: 1e-30 }) }
    const { rounds } = await prune(net, data, {
      criterion: criteria.magnitude().density({ fc1: 0.25, fc2: 0.25 }),
      rounds: 2,
      retrain,
    })
    expect(rounds.map(({ layers }) => layers.map((layer) => layer.kept))).to.deep.equal([
      [48, 24],
      [24, 12],
    ])
    expect(positions(net, 'fc1')).to.deep.equal(upTo(24))
  })

  it('in a sensitivity study and in what is solved from it', async () => {
    using net = toyNetwork()
    await fill(net, alike)
    const study = await sensitivity(net, toyData(16), { densities: [0.5, 0.25] })
    const { criterion, densities, weights } = await solveThresholds(net, study, { weights: 72 })
    await applyCriterion(net, criterion)
    const counts = await kept(net)
    expect(counts).to.deep.equal([96 * densities.fc1!, 48 * densities.fc2!])
    expect(counts[0]! + counts[1]!).to.equal(weights)
  })

  it('of spliced weights', async () => {
    using net = toyNetwork()
    await fill(net, alike)
    await spliceOnce(net, criteria.magnitude().density({ fc1: 0.25, fc2: 0.5 }))
    expect(await kept(net)).to.deep.equal([24, 24])
    expect(positions(net, 'fc2')).to.deep.equal(upTo(24))
    await spliceOnce(net, criteria.magnitude().global(0.75), { margin: 0 })
    expect(await kept(net)).to.deep.equal([96, 12])
  })
})

describe('what is pruned does not return', () => {
  it('whatever it would count now, and a larger count keeps what is left', async () => {
    using net = toyNetwork()
    await applyCriterion(net, criteria.magnitude().density({ fc1: 0.25 }))
    const before = positions(net, 'fc1')
    await applyCriterion(net, criteria.magnitude().density({ fc1: 0.5 }))
    await applyCriterion(
      net,
      criteria.scores(({ weight }) => weight.abs().neg()).global(0.9, { layers: ['fc1'] }),
    )
    expect(positions(net, 'fc1')).to.deep.equal(before)
  })

  it('when scores of minus infinity rank under it', async () => {
    using net = toyNetwork()
    await applyCriterion(net, criteria.magnitude().density({ fc1: 0.25 }))
    const before = positions(net, 'fc1')
    const lowest = criteria
      .scores(({ weight }) => weight.sub(Number.POSITIVE_INFINITY))
      .global(0.125, { layers: ['fc1'] })
    await applyCriterion(net, lowest)
    expect(positions(net, 'fc1')).to.deep.equal(before.slice(0, 12))
  })

  it('with filters of which parts are pruned', async () => {
    using net = toyNetwork()
    await applyCriterion(net, criteria.magnitude().density({ fc1: 0.5 }))
    const before = new Set(positions(net, 'fc1'))
    await applyCriterion(net, criteria.filterNorm().filters({ fc1: 0.25 }))
    const rows = new Set(positions(net, 'fc1').map((at) => Math.floor(at / 6)))
    expect(rows.size).to.equal(4)
    expect([...before].filter((at) => rows.has(Math.floor(at / 6)))).to.deep.equal(positions(net, 'fc1'))
  })
})

describe('scores that float32 cannot tell apart', () => {
  it('are ranked as they are', async () => {
    using net = toyNetwork()
    const close = criteria.scores(({ weight }) => {
      const values = Float64Array.from({ length: weight.numel }, (_, i) => 1 + i * 1e-12)
      return tensor(values, { shape: [...weight.shape], device })
    })
    await applyCriterion(net, close.density(0.25))
    expect(positions(net, 'fc1')).to.deep.equal(upTo(96).slice(72))
  })
})

describe('weights that cannot be ranked', () => {
  const all: Criterion<never>[] = [
    criteria.magnitude().deviation(1),
    criteria.magnitude().density(0.5),
    criteria.magnitude().global(0.5),
    criteria.magnitude().global(0.5, { normalize: 'survivors' }),
    criteria.filterNorm().filters(0.5),
    criteria.scores(({ weight }) => weight.abs()).global(0.5),
  ]
  const values: [number, RegExp][] = [
    [Number.NaN, /^the network's fc1.weight holds 32 NaN of 96 values.*: load or make its weights again$/],
    [
      Number.NEGATIVE_INFINITY,
      /^the network's fc1.weight holds 32 infinite values of 96 values.*: load or make its weights again$/,
    ],
  ]
  for (const [value, said] of values) {
    const spoiled = (index: number) => (index % 3 === 0 ? value : index)
    for (const criterion of all) {
      it(`are refused by name and count: ${value}, ${criterion.score.kind}, ${criterion.select.kind}`, async () => {
        using net = toyNetwork()
        await fill(net, spoiled)
        const before = snapshot(net)
        const { code, message } = await laterRefusal(applyCriterion(net, criterion))
        expect(code).to.equal('ERR_ARGUMENT')
        expect(message).to.match(said)
        expect(snapshot(net)).to.deep.equal(before)
        expect(net.mask('fc1')).to.equal(undefined)
      })
    }

    it(`are refused when splicing: ${value}`, async () => {
      using net = toyNetwork()
      await fill(net, spoiled)
      const { code, message } = await laterRefusal(spliceOnce(net, criteria.magnitude().density(0.5)))
      expect(code).to.equal('ERR_ARGUMENT')
      expect(message).to.match(said)
      expect(net.spliced).to.deep.equal([])
    })
  }

  it('leave layers alone that would be pruned with them', async () => {
    using net = toyNetwork()
    const before = snapshot(net)
    const one = criteria.scores(({ name, weight }) => (name === 'fc2' ? weight.mul(Number.NaN) : weight))
    const { message } = await laterRefusal(applyCriterion(net, one.density(0.5)))
    expect(message).to.match(/^the scores of 'fc2.weight' hold 48 NaN among 48/)
    expect(snapshot(net)).to.deep.equal(before)
    expect(net.mask('fc1')).to.equal(undefined)
  })
})
