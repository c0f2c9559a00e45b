import { expect } from 'chai'
import {
  loadNetwork,
  loadSession,
  type Network,
  network,
  nn,
  readSafetensors,
  scope,
  writeSafetensors,
} from '../../lib/index.js'
import { freshFolder } from '../support/folder.js'
import { refusedWith } from '../support/refusal.js'
import { expectClose, expected, FORMS, NETWORKS, pruned } from './networks.js'

describe('the file of a session', () => {
  const path = freshFolder()

  for (const name of Object.keys(NETWORKS)) {
    it(`puts out what ${name} did, without measuring`, async () => {
      using network = await pruned(name)
      const { samples, outputs } = expected(network, 3)
      for (const forms of FORMS) {
        for (const batch of [1, 3]) {
          const file = path(`${batch}-${forms}.safetensors`)
          {
            using session = await network.compile({ batch, forms, threads: 1, concurrency: 2 })
            await session.save(file)
          }
          using session = await loadSession(file)
          expectClose(await session.runBatch(samples), outputs, `${forms}, ${batch}`)
          expect(session).to.include({ batch, threads: 1, concurrency: 2 })
          for (const layer of session.layers) {
            expect(layer.milliseconds).to.deep.equal({})
            if (forms[0] === 'sparse') expect(layer.form).to.equal('sparse')
          }
          using whole = await loadNetwork(file)
          expectClose(expected(whole, 3).outputs, outputs, 'as a network')
        }
      }
    })
  }

  it('has no dead neurons, while the network keeps its own', async () => {
    using network = await pruned('lenet-300-100')
    using mask = network.mask('fc1')!
    mask.narrow(0, 0, 100).fill_(0)
    await network.setMask('fc1', mask)
    const { samples, outputs } = expected(network, 2)
    const file = path('dead.safetensors')
    using session = await network.compile({ batch: 2 })
    expectClose(await session.runBatch(samples), outputs, 'without them')
    await session.save(file)
    using whole = await loadNetwork(file)
    scope(() => {
      expect(whole.tensor('fc1.weight').shape[0]).to.be.at.most(200)
      expect(network.tensor('fc1.weight').shape).to.deep.equal([300, 784])
    })
    expectClose(expected(whole, 2).outputs, outputs, 'as a network')
  })

  it('normalizes bytes as the session did', async () => {
    using network = await pruned('lenet-300-100')
    using session = await network.compile({ mean: [0.5], std: [0.25] })
    const bytes = Uint8Array.from({ length: 784 }, (_, i) => i % 256)
    await session.save(path('bytes.safetensors'))
    using loaded = await loadSession(path('bytes.safetensors'))
    expectClose(await loaded.run(bytes), await session.run(bytes), 'bytes')
  })

  it('is refused where it holds no session, or a wrong one', async () => {
    using network = await pruned('lenet-300-100')
    const file = path('plain.safetensors')
    await network.save(file)
    expect(await refusedWith(loadSession(file))).to.match(
      /plain\.safetensors: it holds no session; load the network/,
    )
    using session = await network.compile()
    await session.save(file)
    const { tensors, metadata } = await readSafetensors(file)
    const key = 'torch-prune.session'
    const plan = JSON.parse(metadata[key]!) as Record<string, unknown>
    for (const [text, message] of [
      ['{', /its session is not JSON/],
      [JSON.stringify({ ...plan, batch: 0 }), /its session is wrong at batch/],
      [JSON.stringify({ ...plan, forms: ['fast'] }), /its session is wrong at forms\.0/],
      [JSON.stringify({ ...plan, forms: ['dense'] }), /it has forms for 1 layers, not 3/],
      [JSON.stringify({ ...plan, forms: [] }), /it has forms for 0 layers, not 3/],
      [JSON.stringify({ ...plan, mean: [0], std: [1, 1] }), /wrong at std: it is not as long as mean/],
      [JSON.stringify({ ...plan, mean: [], std: [1] }), /wrong at std: it is not as long as mean/],
    ] as const) {
      await writeSafetensors(file, { tensors, metadata: { ...metadata, [key]: text } })
      expect(await refusedWith(loadSession(file))).to.match(message)
    }
    const mask = { dtype: 'uint8' as const, shape: [300, 784], data: new Uint8Array(300 * 784).fill(1) }
    await writeSafetensors(file, {
      tensors: new Map([...tensors, ['fc1.weight_mask', mask]]),
      metadata: { ...metadata, 'torch-prune.spliced': '["fc1"]' },
    })
    expect(await refusedWith(loadSession(file))).to.match(/the mask of "fc1" does not seal/)
  })

  it('has normalizations that change nothing, whatever is added to their variance', async () => {
    for (const eps of [1e-5, 0.5, 1e8]) {
      using made = network([2, 6, 6], { conv: nn.conv2d(2, 3, 3), bn: nn.batchNorm2d(3, { eps }) })
      const { samples, outputs } = expected(made as unknown as Network, 1)
      {
        using session = await made.compile()
        await session.save(path('eps.safetensors'))
      }
      using session = await loadSession(path('eps.safetensors'))
      expectClose(await session.run(samples), outputs, `eps ${eps}`)
    }
  })
})
