import { expect } from 'chai'
import { type Network, network, nn, noGrad, tensor } from '../../lib/index.js'
import { refusedWith } from '../support/refusal.js'
import { expected, FORMS, pruned } from './networks.js'

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number

describe('NaN and infinity in the samples of a session', () => {
  const rows = [
    [1, 0, 0, 0, 0],
    [0, 2, 0, 0, 0],
    [1, 1, 1, 1, 1],
    [0, 0, 0, 0, 0],
    [0, 0, 0, -1, 0],
  ]

  /** A network of these weights alone. */
  function ofRows() {
    const made = network([5], { fc: nn.linear(5, rows.length, { bias: false }) })
    using values = tensor(rows, { dtype: 'float32' })
    noGrad(() => made.tensor('fc.weight').copy_(values))
    return made
  }

  it('are in the outputs that have a weight there, and in no others', async () => {
    using made = ofRows()
    for (const [form, batches] of [
      ['sparse', [1, 2, 8, 9]],
      ['shared', [1]],
    ] as const) {
      for (const batch of batches) {
        using session = await made.compile({ forms: [form], batch, threads: 1 })
        expect(session.layers[0]!.form).to.equal(form)
        for (const wrong of [infinity, -infinity, nan]) {
          for (let place = 0; place < 5; place++) {
            const sample = [1, 2, 3, 4, 5].map((value, i) => (i === place ? wrong : value))
            const wanted = rows.map((row) =>
              row.reduce((sum, weight, i) => (weight === 0 ? sum : sum + weight * sample[i]!), 0),
            )
            const samples = Float32Array.from({ length: batch * 5 }, (_, i) => sample[i % 5]!)
            const what = `${form}, batch ${batch}, ${wrong} at ${place}`
            const outputs = await session.runBatch(samples)
            for (let at = 0; at < batch; at++)
              expect([...outputs.subarray(at * 5, at * 5 + 5)], what).to.deep.equal(wanted)
          }
        }
      }
    }
  })

  it('come through a convolution, its activation and a pooling in every form', async () => {
    for (const act of [nn.relu(), nn.relu6()]) {
      const layers = { conv: nn.conv2d(1, 2, 3), act, pool: nn.maxPool2d(2) }
      using made = network([1, 6, 6], layers) as unknown as Network
      const { samples } = expected(made, 1)
      samples[14] = nan
      using values = tensor([...samples], { dtype: 'float32' })
      using images = values.view([1, 1, 6, 6])
      using outputs = noGrad(() => made.forward(images))
      const wanted = (outputs.flatten().toArray() as number[]).map(Number.isNaN)
      expect(wanted).to.include(true)
      for (const forms of FORMS) {
        using session = await made.compile({ forms })
        expect([...(await session.run(samples))].map(Number.isNaN), `${forms}`).to.deep.equal(wanted)
      }
    }
  })

  it('come through a whole network', async () => {
    using made = await pruned('lenet-300-100')
    using session = await made.compile({ forms: ['sparse'] })
    const samples = new Float32Array(784).fill(nan)
    expect([...(await session.run(samples))].every(Number.isNaN)).to.equal(true)
  })

  it('make no class of a sample', async () => {
    using made = ofRows()
    using session = await made.compile()
    for (const wrong of [nan, infinity]) {
      const said = await refusedWith(session.classify(Float32Array.of(1, 1, wrong, 1, 1)), 'ERR_ARGUMENT')
      expect(said).to.match(/^Session\.classify: the network puts out (NaN|Infinity): look for NaN/)
    }
  })
})
