import { expect } from 'chai'
import { loadAddon } from '../../lib/binding/addon.js'
import { createModel } from '../../lib/models/index.js'
import { noGrad } from '../../lib/tensor/autograd.js'
import { zeros } from '../../lib/tensor/factories.js'
import { manualSeed } from '../../lib/tensor/random.js'
import { scope } from '../../lib/tensor/scope.js'
import { Tensor } from '../../lib/tensor/tensor.js'
import { expectClose } from '../support/close.js'
import { readGolden } from '../support/golden.js'
import { expectSameBits } from './bits.js'
import { type GoldenLayer, layersFrom } from './from_golden.js'

const golden = readGolden<{
  seeds: number[]
  layers: GoldenLayer[]
  parameters: string[]
  models: Record<string, { seeds: number[]; every: number; parameters: string[] }>
}>('init', 'cpu')

describe("initial weights are PyTorch's:", () => {
  for (const seed of golden.fixture.seeds) {
    it(`linear, convolutional, grouped, batch norm, seed ${seed}`, () => {
      // Layers that do not fit each other, so the graph's shape check is passed by.
      const specification = Object.entries(layersFrom(golden.fixture.layers)).map(([name, layer]) => {
        return { ...layer, name, inputs: ['input'] }
      })
      const handle = loadAddon().networkMake(specification, seed, 'cpu')
      const names = loadAddon()
        .networkTensors(handle)
        .filter((entry) => entry.parameter)
      expect(names.map(({ name }) => name)).to.deep.equal(golden.fixture.parameters)
      for (const name of golden.fixture.parameters) {
        const own = Tensor.wrap(loadAddon().networkTensor(handle, name)).detach()
        expectClose(own, golden.tensor(`${seed}.${name}`), name, 'fused')
      }
    })
  }

  for (const [model, { seeds, every, parameters }] of Object.entries(golden.fixture.models)) {
    for (const seed of seeds) {
      it(`${model}, seed ${seed}`, () => {
        using network = createModel(model, { seed })
        expect(network.tensorNames()).to.deep.equal(parameters)
        for (const name of parameters) {
          scope(() => {
            const flat = network.tensor(name).detach().flatten()
            // One in so many and the last: a draw too many or too few before it would move them all.
            const some = flat.slice(0, 0, flat.numel, every)
            expectClose(some, golden.tensor(`${model}.${seed}.${name}`), name, 'fused')
          })
        }
      })
    }
  }

  it('bit for bit those that uniform_ draws on the same processor', () => {
    using network = createModel('lenet-300-100', { seed: 3 })
    manualSeed(3)
    scope(() => {
      for (const [layer, inputs, outputs] of [
        ['fc1', 784, 300],
        ['fc2', 300, 100],
        ['fc3', 100, 10],
      ] as const) {
        const bound = 1 / Math.sqrt(inputs)
        for (const [name, shape] of [
          ['weight', [outputs, inputs]],
          ['bias', [outputs]],
        ] as const) {
          const drawn = noGrad(() => zeros(shape).uniform_(-bound, bound))
          expectSameBits(network.tensor(`${layer}.${name}`).detach(), drawn, `${layer}.${name}`)
        }
      }
    })
  })
})
