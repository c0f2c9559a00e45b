import { expect } from 'chai'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { conv2d, flatten, linear } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import type { Criterion } from '../../lib/prune/criterion.js'
import { applyCriterion, initialDeviations, keptWeights } from '../../lib/prune/mask.js'
import type { InitialDeviations } from '../../lib/prune/progress.js'
import { densityAt } from '../../lib/prune/schedule.js'
import { criteria } from '../../lib/prune/score/index.js'
import type { DeviationOf } from '../../lib/prune/select/selection.js'
import { snapshot } from '../nn/bits.js'
import { device } from '../support/device.js'
import { readGolden } from '../support/golden.js'
import { refusal } from '../support/refusal.js'
import { expectSealed } from './sealed.js'

type Layer = 'conv1' | 'fc1' | 'fc2'
type ByLayer = Record<Layer, number>
interface Round {
  qualities: ByLayer
  densities: ByLayer
  density: number
  deviations?: ByLayer
  kept: ByLayer
}

const golden = await readGolden<{
  layers: string[]
  cases: { name: string; criterion: string; deviation?: DeviationOf; rounds: Round[] }[]
}>('criteria')

/** Three layers with the fixture's shapes. */
const make = () =>
  network(
    [3, 4, 4],
    { conv1: conv2d(3, 6, 3), flat: flatten(), fc1: linear(24, 12), fc2: linear(12, 5) },
    { device },
  )

function criterionOf(criterion: string, of: DeviationOf | undefined, round: Round): Criterion<Layer> {
  switch (criterion) {
    case 'deviation':
      return criteria.magnitude().deviation(round.qualities, { of: of! })
    case 'layer-density':
      return criteria.magnitude().density(round.densities)
    case 'global-density':
      return criteria.magnitude().global(round.density)
    default:
      return criteria.magnitude().global(round.density, { normalize: of! })
  }
}

describe('criteria prune what the reference prunes, in two rounds:', () => {
  for (const { name, criterion, deviation, rounds } of golden.fixture.cases) {
    it(name, async () => {
      using net = make()
      let initial: InitialDeviations = {}
      for (const [index, round] of rounds.entries()) {
        for (const layer of golden.fixture.layers) {
          using values = golden.tensor(`weight.${index + 1}.${layer}`)
          await net.put([[`${layer}.weight`, values]])
        }
        if (index === 0) initial = await initialDeviations(net)
        if (deviation === 'initial') {
          for (const [layer, value] of Object.entries(round.deviations!)) {
            expect(initial[layer]).to.be.closeTo(value, 1e-12 * value)
          }
        }
        await applyCriterion(net, criterionOf(criterion, deviation, round), { initial })
        for (const layer of golden.fixture.layers as ('conv1' | 'fc1' | 'fc2')[]) {
          using mask = net.mask(layer)!.to('uint8')
          using expected = golden.tensor(`${name}.${index + 1}.${layer}`)
          expect(mask.data(), `${layer}, round ${index + 1}`).to.deep.equal(expected.data())
        }
        const kept = Object.fromEntries((await keptWeights(net)).map((each) => [each.name, each.kept]))
        expect(kept).to.deep.equal(round.kept)
        await expectSealed(net)
      }
    })
  }
})

describe('applyCriterion', () => {
  it('prunes only the layers that it is asked to, and no bias', async () => {
    using net = make()
    const before = snapshot(net)
    await applyCriterion(net, criteria.magnitude().density(0.5), { only: ['fc1', 'conv1'] })
    expect((await keptWeights(net)).map(({ name, kept, weights }) => [name, kept, weights])).to.deep.equal([
      ['conv1', 81, 162],
      ['fc1', 144, 288],
      ['fc2', 60, 60],
    ])
    expect(net.mask('fc2')).to.equal(undefined)
    const after = snapshot(net)
    for (const name of ['conv1.bias', 'fc1.bias', 'fc2.weight', 'fc2.bias']) {
      expect(after[name], name).to.deep.equal(before[name])
    }
  })

  it('keeps all at density 1 and quality 0', async () => {
    using net = make()
    const before = snapshot(net)
    for (const criterion of [
      criteria.magnitude().density(1),
      criteria.magnitude().global(1),
      criteria.magnitude().deviation(0),
    ])
      await applyCriterion(net, criterion)
    expect(snapshot(net)).to.deep.equal(before)
    expect((await keptWeights(net)).every(({ density }) => density === 1)).to.equal(true)
  })

  it('refuses to empty a layer, with nothing changed', async () => {
    using net = make()
    const before = snapshot(net)
    for (const criterion of [
      criteria.magnitude().density({ fc1: 0.5, fc2: 0 }),
      criteria.magnitude().global(0),
      criteria.magnitude().deviation({ fc1: 0.1, fc2: 100 }),
    ]) {
      const error = await applyCriterion(net, criterion).then(
        () => expect.fail('it was accepted'),
        (error: unknown) =>
          refusal(() => {
            throw error
          }),
      )
      expect(error.code).to.equal('ERR_ARGUMENT')
      expect(error.message).to.match(
        /^the criterion prunes every weight of '(fc2|conv1)\.weight', and nothing would/,
      )
      expect(snapshot(net)).to.deep.equal(before)
      expect(net.mask('fc1')).to.equal(undefined)
    }
  })

  it('names a layer that is not there, or has nothing to prune', async () => {
    using net = make()
    const message = (criterion: Criterion) =>
      applyCriterion(net as AnyNetwork, criterion).then(
        () => 'accepted',
        (error: Error) => error.message,
      )
    expect(await message(criteria.magnitude().density({ fc9: 0.5 }))).to.equal(
      "layer 'fc9' is not in the network (did you mean fc2?): it has conv1, fc1, fc2",
    )
    expect(await message(criteria.magnitude().deviation({ flat: 0.5 }))).to.equal(
      "layer 'flat' has no connections to prune: it has conv1, fc1, fc2",
    )
    expect(await message(criteria.magnitude().global(0.5, { layers: ['toString'] }))).to.match(
      /^layer 'toString' is not in/,
    )
  })

  it('stops before pruning when aborted', async () => {
    using net = make()
    const reason = new Error('no')
    const work = applyCriterion(net, criteria.magnitude().density(0.5), { signal: AbortSignal.abort(reason) })
    expect(await work.catch((error: unknown) => error)).to.equal(reason)
    expect(net.mask('fc1')).to.equal(undefined)
  })
})

describe('a criterion that makes no sense is refused:', () => {
  const cases: [what: string, says: RegExp, make: () => unknown][] = [
    [
      'a density over 1',
      /: density must be in 0..1 \(the share that is kept\), got 2$/,
      () => criteria.magnitude().density(2),
    ],
    [
      'a negative density',
      /: density.fc1 must be .* got -0.1$/,
      () => criteria.magnitude().density({ fc1: -0.1 }),
    ],
    [
      'half a seed',
      /: seed must be a whole number of 0 or more, got 0.5$/,
      () => criteria.fisher({ seed: 0.5 }).global(0.5),
    ],
    ['no number', /: density must be .* got NaN$/, () => criteria.magnitude().global(Number.NaN)],
    ['a negative quality', /: quality must be 0 or more, got -1$/, () => criteria.magnitude().deviation(-1)],
    [
      'an infinite quality',
      /: quality.a must be .* got Infinity$/,
      () => criteria.magnitude().deviation({ a: Number.POSITIVE_INFINITY }),
    ],
  ]
  for (const [what, says, make] of cases) it(what, () => expect(refusal(make).message).to.match(says))
})

describe('density schedules', () => {
  it('come down from 1 to the density of the last round', () => {
    const rounds = (schedule: 'geometric' | 'linear' | 'cubic') =>
      [1, 2, 3, 4].map((round) => Number(densityAt(schedule, 0.0625, round, 4).toFixed(6)))
    expect(rounds('geometric')).to.deep.equal([0.5, 0.25, 0.125, 0.0625])
    expect(rounds('linear')).to.deep.equal([0.765625, 0.53125, 0.296875, 0.0625])
    expect(rounds('cubic')).to.deep.equal([0.458008, 0.179688, 0.077148, 0.0625])
  })

  it('have two paces, where that is asked for', () => {
    const rounds = (final: number) =>
      [1, 2, 3, 4, 5].map((round) =>
        Number(densityAt({ density: 0.25, rounds: 2 }, final, round, 5).toFixed(6)),
      )
    expect(rounds(0.03125)).to.deep.equal([0.5, 0.25, 0.125, 0.0625, 0.03125])
    // What keeps more in the end has arrived with the first pace; all that a density of 0 leaves goes in equal parts.
    expect(rounds(0.36)).to.deep.equal([0.6, 0.36, 0.36, 0.36, 0.36])
    expect(rounds(0)).to.deep.equal([0.5, 0.25, 0.166667, 0.083333, 0])
  })
})
