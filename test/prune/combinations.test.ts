import { expect } from 'chai'
import { conv2d, convTranspose2d, flatten, linear, relu } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { sgd } from '../../lib/optim/spec.js'
import { type Criterion, criterionKind } from '../../lib/prune/criterion.js'
import { applyCriterion, keptWeights } from '../../lib/prune/mask.js'
import { prune } from '../../lib/prune/prune.js'
import { criteria } from '../../lib/prune/score/index.js'
import type { Scored } from '../../lib/prune/select/index.js'
import { tensor } from '../../lib/tensor/from.js'
import { device } from '../support/device.js'
import { readGolden } from '../support/golden.js'
import { laterRefusal, refusal } from '../support/refusal.js'
import { toyData, toyNetwork } from '../train/toy.js'

interface Parameters {
  density: number
  quality: number | Record<string, number>
  n: number
  m: number
}
const golden = readGolden<{
  layers: string[]
  cases: { name: string; score: string; select: string; rounds: Parameters[] }[]
}>('combinations')

/** Layers with the fixture's shapes, of which none reads another. */
const make = () =>
  network(
    [4, 4, 4],
    {
      conv1: conv2d(4, 8, 3, { padding: 1 }),
      conv2: conv2d(8, 8, 3, { groups: 2 }),
      flat: flatten(),
      fc1: linear(32, 12),
      fc2: linear(12, 16),
    },
    { device },
  )

const scores: Record<string, Scored<Criterion['score']>> = {
  magnitude: criteria.magnitude(),
  'filter-norm-1': criteria.filterNorm(),
  'filter-norm-2': criteria.filterNorm({ norm: 2 }),
  'per-bit': criteria.magnitudePerBit(),
  own: criteria.scores(({ weight }) => weight.clone()),
}

function selectBy(score: Scored<Criterion['score']>, select: string, of: Parameters): Criterion {
  switch (select) {
    case 'density':
      return score.density(of.density)
    case 'filters':
      return score.filters(of.density)
    case 'global':
      return score.global(of.density)
    case 'nm':
      return score.nm(of.n, of.m)
    default: {
      const [what, which] = select.split('-') as [string, 'current' | 'survivors']
      if (what === 'deviation') return score.deviation(of.quality, { of: which })
      return score.global(of.density, { normalize: which })
    }
  }
}

describe('scores and selections combine as in the reference:', () => {
  for (const { name, score, select, rounds } of golden.fixture.cases) {
    it(name, async () => {
      using net = make()
      for (const layer of golden.fixture.layers) {
        using values = golden.tensor(`weight.${layer}`)
        await net.put([[`${layer}.weight`, values]])
      }
      for (const [index, parameters] of rounds.entries()) {
        await applyCriterion(net, selectBy(scores[score]!, select, parameters) as Criterion<never>)
        for (const layer of net.prunable) {
          using mask = net.mask(layer)!.to('uint8')
          using expected = golden.tensor(`${name}.${index + 1}.${layer}`)
          expect(mask.data(), `${layer}, round ${index + 1}`).to.deep.equal(expected.data())
        }
        await net.assertSealed()
      }
    })
  }
})

/** What is kept of each group of `m` inputs of a linear layer. */
function groups(net: ReturnType<typeof toyNetwork>, layer: 'fc1' | 'fc2', m: number): number[] {
  using mask = net.mask(layer)!.to('int64')
  using sums = mask.reshape([-1, m]).sum(1)
  return [...sums.data()].map(Number)
}

describe('N:M', () => {
  it('keeps the first of equal weights', async () => {
    using net = network([8], { fc: linear(8, 1) }, { device })
    using values = tensor([[1, -1, 1, 1, 0, 0, 0, 2]], { device })
    await net.put([['fc.weight', values]])
    await applyCriterion(net, criteria.magnitude().nm(2, 4))
    using mask = net.mask('fc')!
    expect([...mask.data()].map(Number)).to.deep.equal([1, 1, 0, 0, 1, 0, 0, 1])
  })

  it('stays through rounds, in which more are kept first, and retraining', async () => {
    using net = toyNetwork()
    const data = toyData(64)
    const kept: number[] = []
    const run = prune(
      net,
      { train: data, validation: data },
      {
        criterion: criteria.magnitude().nm(2, 4, { layers: ['fc2'] }),
        rounds: 2,
        retrain: { epochs: 2, optimizer: sgd({ lr: 0.1, momentum: 0.9 }) },
      },
    )
    for await (const { layers } of run) {
      kept.push(layers[1]!.density)
      await net.assertSealed()
    }
    expect(kept).to.deep.equal([0.75, 0.5])
    expect(new Set(groups(net, 'fc2', 4))).to.deep.equal(new Set([2]))
  })

  it('keeps what another selection has left of a group', async () => {
    using net = toyNetwork()
    await applyCriterion(net, criteria.magnitude().density({ fc1: 0.25 }))
    const before = groups(net, 'fc1', 3)
    await applyCriterion(net, criteria.magnitude().nm(1, 3, { layers: ['fc1'] }))
    expect(groups(net, 'fc1', 3)).to.deep.equal(before.map((count) => Math.min(count, 1)))
  })

  it('of 1 of 1 keeps all', async () => {
    using net = toyNetwork()
    await applyCriterion(net, criteria.magnitude().nm(1, 1))
    for (const { density } of await keptWeights(net)) expect(density).to.equal(1)
  })

  for (const sides of [1, 2]) {
    it(`and filters of a transposed convolution of ${sides} groups go along its inputs and outputs`, async () => {
      const layer = () =>
        network([8, 2, 2], { up: convTranspose2d(8, 6, 2, { groups: sides }) }, { device, seed: 3 })
      const [outputs, inputs] = [6 / sides, 8 / sides]
      // Of the weight [8, 6 / groups, 2, 2]: a row of inputs for each group, output and place of the kernel.
      const rows = (values: ArrayLike<number | bigint | boolean>) =>
        Array.from({ length: sides * outputs * 4 }, (_, row) => {
          const [side, output, place] = [
            Math.floor(row / (outputs * 4)),
            Math.floor(row / 4) % outputs,
            row % 4,
          ]
          return Array.from({ length: inputs }, (_, i) =>
            Number(values[((side * inputs + i) * outputs + output) * 4 + place]),
          )
        })
      using paired = layer()
      using before = paired.tensor('up.weight').detach().clone()
      await applyCriterion(paired, criteria.magnitude().nm(1, 4))
      using mask = paired.mask('up')!
      for (const [row, kept] of rows(mask.data()).entries()) {
        const sizes = rows(before.data())[row]!.map(Math.abs)
        for (let i = 0; i < inputs; i += 4) {
          const group = sizes.slice(i, i + 4)
          const largest = group.indexOf(Math.max(...group))
          expect(kept.slice(i, i + 4)).to.deep.equal([0, 1, 2, 3].map((at) => Number(at === largest)))
        }
      }
      using filtered = layer()
      await applyCriterion(filtered, criteria.filterNorm().filters(0.5))
      using filters = filtered.mask('up')!
      const sums = Array.from({ length: 6 }, (_, f) =>
        rows(before.data())
          .slice(4 * f, 4 * f + 4)
          .flat()
          .reduce((sum, value) => sum + Math.abs(value), 0),
      )
      const least = [...sums].sort((x, y) => y - x)[2]!
      const wanted = sums.flatMap((sum) => Array(4).fill(Array(inputs).fill(Number(sum >= least))))
      expect(rows(filters.data())).to.deep.equal(wanted)
    })
  }

  it('refuses a layer whose inputs do not divide, before anything is pruned, and names those that do', async () => {
    using net = network(
      [1, 6, 6],
      {
        conv1: conv2d(1, 8, 3),
        relu1: relu(),
        conv2: conv2d(8, 8, 3, { groups: 2 }),
        flat: flatten(),
        fc: linear(32, 2),
      },
      { device },
    )
    const { code, message } = await laterRefusal(applyCriterion(net, criteria.magnitude().nm(2, 4)))
    expect(code).to.equal('ERR_ARGUMENT')
    expect(message).to.equal(
      "2:4 needs a multiple of 4 inputs: layer 'conv1' has 1; name others, as in layers: ['conv2', 'fc']",
    )
    const data = toyData(8)
    const retrain = { epochs: 1, optimizer: sgd({ lr: 0.1 }) }
    const start = () =>
      prune(
        net,
        { train: data, validation: data },
        { criterion: criteria.magnitude().nm(2, 8, { layers: ['conv2'] }), retrain },
      )
    expect(refusal(start).message).to.equal(
      "2:8 needs a multiple of 8 inputs: layer 'conv2' has 4; choose another m",
    )
    expect(net.mask('fc')).to.equal(undefined)
    await applyCriterion(net, criteria.magnitude().nm(2, 4, { layers: ['conv2', 'fc'] }))
    expect((await keptWeights(net)).map(({ density }) => density)).to.deep.equal([1, 0.5, 0.5])
  })

  it('refuses numbers that are none of it', () => {
    const { nm } = criteria.magnitude()
    expect(refusal(() => nm(3, 2)).message).to.equal(
      'criteria.magnitude().nm: n must not be over m, got 3 of 2',
    )
    expect(refusal(() => nm(0, 4)).message).to.match(/: n must be a whole number in 1\.\.64, got 0$/)
    expect(refusal(() => nm(2, 65)).message).to.match(/: m must be a whole number in 1\.\.64, got 65$/)
  })
})

describe('a criterion', () => {
  it('is plain values, which a recipe holds, with defaults filled in', () => {
    const made = criteria.magnitude().deviation({ fc1: 1.4, fc2: 1 })
    expect(made).to.deep.equal({
      score: { kind: 'magnitude' },
      select: { kind: 'deviation', quality: { fc1: 1.4, fc2: 1 }, of: 'survivors' },
    })
    const fisher = criteria.fisher({ batches: 3 }).nm(2, 4, { layers: 'fc' })
    for (const each of [made, fisher, criteria.filterNorm({ norm: 2 }).filters(0.5)]) {
      expect(criterionKind.read(JSON.parse(JSON.stringify(each)), 'criterion')).to.deep.equal(each)
    }
    expect(
      criterionKind.read(
        { score: { kind: 'fisher' }, select: { kind: 'global', density: 0.1 } },
        'criterion',
      ),
    ).to.deep.equal(criteria.fisher().global(0.1))
  })

  it('is refused where it is half of one, misspelt, or names its layers twice', () => {
    const says = (value: unknown) => refusal(() => criterionKind.read(value, 'prune: criterion')).message
    expect(says(criteria.magnitude())).to.match(
      /criterion ranks weights,? but does not say how many stay: add \./,
    )
    expect(says(criteria.magnitude().global)).to.match(/criterion must be what .* returns, got .*: call it$/)
    expect(says(criteria.magnitude)).to.match(/: call it$/)
    expect(says(0.1)).to.match(/criterion must be what criteria\.magnitude\(\)\.deviation\(1\), .* got 0\.1$/)
    expect(says({ score: { kind: 'magnitud' }, select: { kind: 'density', density: 2 } })).to.match(
      /criterion\.score is of kind 'magnitud', which does not exist.*criterion\.select\.density must be in 0\.\.1/,
    )
    expect(says({ score: { kind: 'magnitude' }, select: { kind: 'nm', n: 4, m: 2 } })).to.match(
      /criterion\.select: n must not be over m, got 4 of 2$/,
    )
    const twice = refusal(() => criteria.magnitude().density({ fc1: 1 }, { layers: ['fc2'] })).message
    expect(twice).to.match(/density: values by layer name the layers: leave layers out$/)
  })

  it('takes scores of whole filters, and ranks their weights by them', async () => {
    using net = toyNetwork()
    const last = criteria.scores(({ weight }) => {
      const filters = weight.shape[0]!
      return tensor(
        Float32Array.from({ length: filters }, (_, i) => i),
        { device },
      )
    })
    await applyCriterion(net, last.density({ fc1: 0.5 }))
    using mask = net.mask('fc1')!.to('int64').sum(1)
    const [filters, inputs] = net.tensor('fc1.weight').shape as [number, number]
    const wanted = Array.from({ length: filters }, (_, i) => (i < filters / 2 ? 0 : inputs))
    expect([...mask.data()].map(Number)).to.deep.equal(wanted)
  })
})
