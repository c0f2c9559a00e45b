import { expect } from 'chai'
import { deriveSeed } from '../../lib/base/seed.js'
import { Dataset } from '../../lib/data/dataset.js'
import { conv2d, flatten, linear, relu } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { type SgdSpec, sgd } from '../../lib/optim/spec.js'
import { criteria } from '../../lib/prune/score/index.js'
import { splice } from '../../lib/prune/splicing.js'
import { scope } from '../../lib/tensor/scope.js'
import { expectClose } from '../support/close.js'
import { device } from '../support/device.js'
import { readGolden } from '../support/golden.js'
import { expectSealed } from './sealed.js'

interface GoldenEpoch {
  returned: number
  removed: number
  kept: Record<string, number>
}

const golden = readGolden<{
  seed: number
  epochSeeds: number[]
  batchSize: number
  layers: ('conv' | 'fc1' | 'fc2')[]
  every: number
  margin: number
  reach: number
  until: number
  optimizer: Pick<SgdSpec, 'lr' | 'momentum' | 'weightDecay'>
  cases: {
    name: string
    densities?: Record<'conv' | 'fc1' | 'fc2', number>
    density?: number
    epochs: GoldenEpoch[]
  }[]
}>('splicing')

const goldenNetwork = () =>
  network(
    [1, 6, 6],
    {
      conv: conv2d(1, 4, 3),
      relu1: relu(),
      flat: flatten(),
      fc1: linear(64, 20),
      relu2: relu(),
      fc2: linear(20, 4),
    },
    { device },
  )

describe('splicing trains what plain PyTorch trains, masks identical:', () => {
  const { epochSeeds, layers, seed, batchSize, optimizer, cases, ...settings } = golden.fixture
  const { every, margin, reach, until } = settings

  it('on the same shuffles', () => {
    expect(epochSeeds.map((_, i) => deriveSeed(seed, i + 1))).to.deep.equal(epochSeeds)
  })

  for (const { name, densities, density, epochs } of cases) {
    it(`${name} densities`, async () => {
      using net = goldenNetwork()
      using images = golden.tensor('images').cpu()
      using labels = golden.tensor('labels').cpu()
      const train = Dataset.from(images, labels)
      for (const parameter of net.tensorNames()) {
        using values = golden.tensor(`initial.${parameter}`)
        await net.put([[parameter, values]])
      }
      let seen = 0
      const run = splice(
        net,
        { train, validation: train },
        {
          criterion: densities
            ? criteria.magnitude().density(densities)
            : criteria.magnitude().global(density!, { normalize: 'initial' }),
          epochs: epochSeeds.length,
          optimizer: sgd({ ...optimizer, fused: false }),
          batchSize,
          seed,
          every,
          margin,
          reach,
          until,
          onEpoch: ({ epoch, returned, removed }) => {
            const expected = epochs[epoch - 1]!
            expect({ returned, removed }).to.deep.equal({
              returned: expected.returned,
              removed: expected.removed,
            })
            scope(() => {
              for (const layer of layers) {
                const mask = golden.tensor(`${name}.${epoch}.${layer}.mask`)
                expect(net.mask(layer)!.to('uint8').data(), `${layer}, epoch ${epoch}`).to.deep.equal(
                  mask.data(),
                )
              }
              for (const parameter of net.tensorNames()) {
                const expected = golden.tensor(`${name}.${epoch}.${parameter}`)
                const ours = net.tensor(parameter).detach()
                expectClose(ours, expected, `${parameter}, epoch ${epoch}`, 'training')
              }
            })
            seen++
          },
        },
      )
      const result = await run
      expect(seen).to.equal(epochSeeds.length)
      const kept = Object.fromEntries(result.layers.map((each) => [each.name, each.kept]))
      expect(kept).to.deep.equal(epochs.at(-1)!.kept)
      expect(await expectSealed(net)).to.be.above(1000)
    })
  }
})
