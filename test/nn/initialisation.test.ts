import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { loadAddon } from '../../lib/binding/addon.js'
import { createModel } from '../../lib/models/index.js'
import { Tensor } from '../../lib/tensor/tensor.js'
import { readGolden } from '../support/golden.js'
import { expectSameBits, snapshot } from './bits.js'
import { type GoldenLayer, layersFrom } from './from_golden.js'

const golden = await readGolden<{
  seeds: number[]
  layers: GoldenLayer[]
  parameters: string[]
  digests: Record<string, Record<string, Record<string, string>>>
}>('init')

// The fixtures hold the bits of a processor with AVX2 or better: without its fused multiply-add the last differ.
describe("initial weights are PyTorch's, bit for bit:", () => {
  for (const seed of golden.fixture.seeds) {
    it(`linear, convolutional, grouped, batch norm, seed ${seed}`, () => {
      // Layers that do not fit each other, so the graph's shape check is passed by.
      const specification = Object.entries(layersFrom(golden.fixture.layers)).map(([name, layer]) => {
        return { ...layer, name, inputs: ['input'] }
      })
      const handle = loadAddon().networkMake(specification, seed)
      const names = loadAddon()
        .networkTensors(handle)
        .filter((entry) => entry.parameter)
      expect(names.map(({ name }) => name)).to.deep.equal(golden.fixture.parameters)
      for (const name of golden.fixture.parameters) {
        const own = Tensor.wrap(loadAddon().networkTensor(handle, name)).detach()
        expectSameBits(own, golden.tensor(`${seed}.${name}`), name)
      }
    })
  }

  for (const [model, seeds] of Object.entries(golden.fixture.digests)) {
    for (const [seed, { all, ...each }] of Object.entries(seeds)) {
      it(`${model}, seed ${seed}`, () => {
        using network = createModel(model, { seed: Number(seed) })
        const values = snapshot(network)
        const whole = createHash('sha256')
        for (const [name, bytes] of Object.entries(values)) {
          expect(createHash('sha256').update(bytes).digest('hex'), name).to.equal(each[name])
          whole.update(bytes)
        }
        expect(Object.keys(values).sort()).to.deep.equal(Object.keys(each).sort())
        expect(whole.digest('hex')).to.equal(all)
      })
    }
  }
})
