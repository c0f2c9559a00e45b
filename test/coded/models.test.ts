import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { readCoded } from '../../lib/coded/index.js'
import { createModel } from '../../lib/models/registry.js'
import { toBytes } from '../../lib/tensor/bytes.js'
import { randn } from '../../lib/tensor/factories.js'
import { manualSeed } from '../../lib/tensor/random.js'

const folder = mkdtempSync(join(tmpdir(), 'torch-prune-coded-models-'))
/** Models that are small, or can be made so. `networks.ts` has the kinds of layers of the others. */
const MODELS = {
  'lenet-5': {},
  'wrn-16-2': {},
  'mobilenet-v2': {},
  alexnet: { hidden: 8, size: 64 },
} as const

describe('models in plain JavaScript', () => {
  after(() => rmSync(folder, { recursive: true, force: true }))

  for (const [name, options] of Object.entries(MODELS)) {
    it(`give libtorch's outputs: ${name}`, async () => {
      manualSeed(2)
      using net = createModel(name, options)
      const path = join(folder, `${name}.tpz`)
      await net.export(path, { profile: 'huffman' })
      const plain = await readCoded(readFileSync(path))
      using sample = randn([1, ...net.inputShape])
      using outputs = net.forward(sample)
      const expected = new Float32Array(toBytes(outputs).data.buffer)
      const largest = Math.max(...expected.map(Math.abs))
      const actual = plain.run(new Float32Array(toBytes(sample).data.buffer))
      expect(actual.length).to.equal(expected.length)
      for (const [i, value] of expected.entries()) expect(actual[i]).to.be.closeTo(value, 1e-5 * largest)
    })
  }
})
