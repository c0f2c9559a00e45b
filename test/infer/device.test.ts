import { expect } from 'chai'
import {
  applyCriterion,
  criteria,
  cuda,
  loadSession,
  models,
  type Network,
  network,
  nn,
  readSafetensors,
  writeSafetensors,
} from '../../lib/index.js'
import { freshFolder } from '../support/folder.js'
import { laterRefusal } from '../support/refusal.js'
import { expectClose, expected, prunedTo } from './networks.js'

const lenet = () => models.lenet300100({ seed: 1 }) as unknown as Network

/** Two layers of sizes that sparse tensor cores take, of which two of every four weights are kept. */
async function halved(): Promise<Network> {
  const net = network([64], {
    first: nn.linear(64, 128),
    relu: nn.relu(),
    second: nn.linear(128, 32),
  }) as unknown as Network
  await applyCriterion(net, criteria.magnitude().nm(2, 4))
  return net
}

describe('a session and its device', () => {
  const path = freshFolder()

  it("is the network's, if none is given", async () => {
    using net = lenet()
    using session = await net.compile()
    expect(session.device).to.equal('cpu')
    using best = await net.compile({ device: cuda.isAvailable() ? 'cuda' : 'best' })
    expect(best.device).to.equal(cuda.isAvailable() ? 'cuda' : 'cpu')
  })

  it('is refused on the CPU what GPUs alone do, in one line, when compiled and when loaded', async () => {
    using net = await halved()
    for (const options of [{ autocast: 'bfloat16' }, { forms: ['semi-structured'] }] as const) {
      const { code, message } = await laterRefusal(net.compile({ ...options, device: 'cpu' }))
      expect(code).to.equal('ERR_DEVICE')
      expect(message).to.match(/^Network\.compile: .* GPUs.*: give device: 'cuda'$/)
    }
    const file = path('gpu.safetensors')
    using session = await net.compile()
    await session.save(file)
    const { tensors, metadata } = await readSafetensors(file)
    const key = 'torch-prune.session'
    const plan = JSON.parse(metadata[key]!) as object
    for (const change of [{ autocast: 'float16' }, { forms: ['semi-structured', 'dense'] }]) {
      await writeSafetensors(file, {
        tensors,
        metadata: { ...metadata, [key]: JSON.stringify({ ...plan, ...change }) },
      })
      const { code, message } = await laterRefusal(loadSession(file))
      expect(code).to.equal('ERR_DEVICE')
      expect(message).to.match(/^loadSession: .*gpu\.safetensors: .* GPUs.*: give device: 'cuda'$/)
    }
  })

  it('is refused a device that is not there', async () => {
    using net = lenet()
    expect((await laterRefusal(net.compile({ device: 'cuda:99' }))).code).to.equal('ERR_DEVICE')
    using session = await net.compile()
    const file = path('lenet.safetensors')
    await session.save(file)
    expect((await laterRefusal(loadSession(file, { device: 'cuda:99' }))).code).to.equal('ERR_DEVICE')
  })

  describe('that is a GPU', () => {
    before(function () {
      if (!cuda.isAvailable()) this.skip()
    })

    for (const [what, made, shape] of [
      ['LeNet-300-100', lenet, 'a fully connected network'],
      ['LeNet-5', () => models.lenet5({ seed: 1 }) as unknown as Network, 'convolutions'],
    ] as const) {
      it(`puts out what the CPU does: ${what}, ${shape}`, async () => {
        using net = await prunedTo(made(), 0.2)
        const { samples, outputs } = expected(net, 5)
        const file = path('cuda.safetensors')
        {
          using session = await net.compile({ device: 'cuda', batch: 2, concurrency: 2 })
          for (let run = 0; run < 3; run++)
            expectClose(await session.runBatch(samples), outputs, 'on the GPU', 2e-3)
          await session.save(file)
        }
        using loaded = await loadSession(file, { device: 'cuda' })
        expectClose(await loaded.runBatch(samples), outputs, 'loaded', 2e-3)
      })
    }

    it('runs two of every four weights on sparse tensor cores', async function () {
      if (Number(cuda.properties()?.capability ?? 0) < 8) this.skip()
      using net = await halved()
      const { samples, outputs } = expected(net, 32)
      const file = path('halved.safetensors')
      {
        using session = await net.compile({
          ...{ device: 'cuda', autocast: 'bfloat16', batch: 32, forms: ['semi-structured'] },
        })
        expect(session.layers.map(({ form }) => form)).to.deep.equal(['semi-structured', 'semi-structured'])
        expectClose(await session.runBatch(samples), outputs, 'by sparse tensor cores', 3e-2)
        await session.save(file)
      }
      using loaded = await loadSession(file, { device: 'cuda' })
      expectClose(await loaded.runBatch(samples), outputs, 'loaded', 3e-2)
    })
  })
})
