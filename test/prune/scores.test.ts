import { expect } from 'chai'
import { Dataset } from '../../lib/data/dataset.js'
import { conv2d, flatten, linear, relu } from '../../lib/nn/layers/index.js'
import { Network, network } from '../../lib/nn/network.js'
import type { Criterion } from '../../lib/prune/criterion.js'
import { applyCriterion, keptWeights } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import type { Scored } from '../../lib/prune/select/index.js'
import { removeDeadNeurons } from '../../lib/prune/surgery/shrink.js'
import { full, zeros } from '../../lib/tensor/factories.js'
import { tensor } from '../../lib/tensor/from.js'
import { snapshot } from '../nn/bits.js'
import { type GoldenLayer, layersFrom } from '../nn/from_golden.js'
import { device } from '../support/device.js'
import { readGolden } from '../support/golden.js'
import { laterRefusal } from '../support/refusal.js'

const golden = readGolden<{
  layers: GoldenLayer[]
  inputShape: number[]
  batchSize: number
  batches: number
  drawSeed: number
  densities: number[]
}>('scores')
const { layers, inputShape, batchSize, batches, drawSeed, densities } = golden.fixture

async function make(): Promise<Network> {
  const net = new Network(inputShape, layersFrom(layers), { device })
  for (const name of net.tensorNames()) {
    using values = golden.tensor(`initial.${name}`)
    await net.put([[name, values]])
  }
  return net
}

function data(): Dataset {
  using images = golden.tensor('images').cpu()
  using labels = golden.tensor('labels').cpu()
  return Dataset.from(images, labels)
}

describe('criteria by scores', () => {
  for (const density of densities) {
    const cases: [string, Criterion][] = [
      ['fisher', criteria.fisher({ batches, batchSize, seed: drawSeed }).global(density)],
      ['filter-norm', criteria.filterNorm().filters(density)],
    ]
    for (const [name, criterion] of cases) {
      it(`${name} keeps what the reference keeps at density ${density}`, async () => {
        using net = await make()
        await applyCriterion(net, criterion, { data: data() })
        for (const layer of net.prunable) {
          using mask = net.mask(layer)!
          using wanted = golden.tensor(`${name}.${density}.${layer}`).to('bool')
          expect(mask.equal(wanted), layer).to.equal(true)
        }
        await net.assertSealed()
      })
    }
  }

  it("takes a user's own function from weights to scores, over all layers or by layer", async () => {
    using net = await make()
    await applyCriterion(net, criteria.scores(({ weight }) => weight).global(0.5))
    for (const layer of net.prunable) {
      using weight = net.tensor(`${layer}.weight`)
      using negative = weight.lt(0)
      // The largest half of the values as they are: nearly all that is left is positive.
      expect(negative.float().mean().item()).to.be.lessThan(0.1)
    }
    using other = await make()
    await applyCriterion(other, criteria.scores(({ weight }) => weight.abs()).density(0.25))
    for (const { density } of await keptWeights(other)) expect(density).to.be.closeTo(0.25, 0.01)
  })

  it('fisher scores frozen layers as it does others, and leaves them frozen', async () => {
    const criterion = criteria.fisher({ batches, batchSize, seed: drawSeed }).global(densities[0]!)
    using plain = await make()
    await applyCriterion(plain, criterion, { data: data() })
    for (const count of [1, plain.prunable.length]) {
      using net = await make()
      const frozen = [...net.prunable].reverse().slice(0, count)
      net.freeze(...frozen)
      await applyCriterion(net, criterion, { data: data() })
      expect(net.frozen).to.deep.equal(frozen)
      expect(snapshot(net)).to.deep.equal(snapshot(plain))
      for (const layer of frozen) expect(net.tensor(`${layer}.weight`).requiresGrad, layer).to.equal(false)
    }
  })

  it('fisher leaves layers frozen, and the network as it was, where it fails', async () => {
    using net = await make()
    const frozen = [...net.prunable].slice(1)
    net.freeze(...frozen)
    const before = snapshot(net)
    using images = zeros([4, 1, 2, 2])
    using labels = zeros([4], { dtype: 'int64' })
    using other = Dataset.from(images, labels)
    await laterRefusal(applyCriterion(net, criteria.fisher().global(0.5), { data: other }))
    expect(net.frozen).to.deep.equal(frozen)
    expect(snapshot(net)).to.deep.equal(before)
  })

  it('refuses scores of another shape, NaN, and a layer that would be emptied, and changes nothing', async () => {
    using net = await make()
    const before = snapshot(net)
    const wrong = criteria.scores(() => zeros([2])).global(0.5)
    expect((await laterRefusal(applyCriterion(net, wrong))).message).to.match(
      /'conv1.weight' have shape \[2\]/,
    )
    const nan = criteria.scores(({ weight }) => full([...weight.shape], Number.NaN)).global(0.5)
    expect((await laterRefusal(applyCriterion(net, nan))).message).to.match(/'conv1.weight' hold \d+ NaN/)
    const emptying = criteria
      .scores(({ name, weight }) => full([...weight.shape], name === 'fc2' ? 0 : 1))
      .global(0.5)
    expect((await laterRefusal(applyCriterion(net, emptying))).message).to.match(
      /every weight of 'fc2.weight'/,
    )
    expect((await laterRefusal(applyCriterion(net, criteria.fisher().global(0.5)))).message).to.match(
      /gradients.*data/,
    )
    expect(snapshot(net)).to.deep.equal(before)
    for (const layer of net.prunable) expect(net.mask(layer)).to.equal(undefined)
  })

  it('looks at samples of all classes where they come sorted by class, drawn by its seed', async () => {
    using images = golden.tensor('images').cpu()
    using labels = tensor([...Array(24).fill(0), ...Array(24).fill(1)], { dtype: 'int64' })
    const sorted = Dataset.from(images, labels)
    const masks = async (data: Dataset, seed: number) => {
      using net = await make()
      await applyCriterion(net, criteria.fisher({ batches: 3, batchSize, seed }).global(0.3), { data })
      return net.prunable.map((layer) => {
        using mask = net.mask(layer)!
        return [...mask.data()]
      })
    }
    const drawn = await masks(sorted, 1)
    expect(drawn).to.not.deep.equal(await masks(sorted.slice(0, 24), 1))
    expect(drawn).to.not.deep.equal(await masks(sorted, 2))
    expect(drawn).to.deep.equal(await masks(sorted, 1))
  })

  it('magnitudePerBit ranks by magnitude at the price 0, and empties lonely rows and columns the sooner the higher', async () => {
    const kept = async (criterion: Scored<Criterion['score']>) => {
      using net = network([12], { fc: linear(12, 12, { bias: false }) }, { seed: 3, device })
      for (const density of [0.5, 0.35, 0.2]) await applyCriterion(net, criterion.global(density))
      using mask = net.mask('fc')!
      return [...mask.to('uint8').data()] as number[]
    }
    const lines = (mask: readonly number[]) =>
      new Set(mask.flatMap((stands, i) => (stands ? [`row ${Math.floor(i / 12)}`, `column ${i % 12}`] : [])))
        .size
    const plain = await kept(criteria.magnitude())
    expect(await kept(criteria.magnitudePerBit({ price: 0 }))).to.deep.equal(plain)
    const [cheap, dear] = [
      await kept(criteria.magnitudePerBit()),
      await kept(criteria.magnitudePerBit({ price: 3 })),
    ]
    for (const mask of [cheap, dear]) expect(mask.reduce((a, b) => a + b)).to.equal(29)
    expect(lines(cheap)).to.be.lessThan(lines(plain))
    expect(lines(dear)).to.be.lessThan(lines(cheap))
  })

  it('keeps masks shrinking, whatever the scores say later', async () => {
    using net = await make()
    await applyCriterion(net, criteria.scores(({ weight }) => weight).global(0.5))
    const first = (await keptWeights(net)).reduce((sum, { kept }) => sum + kept, 0)
    await applyCriterion(net, criteria.scores(({ weight }) => weight.neg()).global(0.5))
    expect((await keptWeights(net)).reduce((sum, { kept }) => sum + kept, 0)).to.equal(first)
  })

  it('prunes filters so that the network itself gets smaller', async () => {
    using net = network(
      [1, 8, 8],
      { conv1: conv2d(1, 8, 3, { bias: false }), relu1: relu(), flatten: flatten(), fc: linear(288, 3) },
      { device },
    )
    await applyCriterion(net, criteria.filterNorm().filters({ conv1: 0.5 }))
    await removeDeadNeurons(net)
    expect(net.layers.conv1).to.include({ outChannels: 4 })
    expect(net.layers.fc).to.include({ inFeatures: 144 })
  })
})
