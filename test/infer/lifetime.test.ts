import { expect } from 'chai'
import { loadSession, type Network, network, nn } from '../../lib/index.js'
import { freshFolder } from '../support/folder.js'
import { laterRefusal, refusedWith } from '../support/refusal.js'
import { expectClose, expected, pruned } from './networks.js'

describe('a session and what goes on beside it', () => {
  const path = freshFolder()

  it('is saved whole though it is disposed of meanwhile', async () => {
    const layers = {
      conv: nn.conv1d(2, 4, 3),
      norm: nn.groupNorm(2, 4),
      flat: nn.flatten(),
      fc: nn.linear(40, 3),
    }
    // Other weights than those that a network has by default.
    using made = network([2, 12], layers, { seed: 5 }) as unknown as Network
    const { samples, outputs } = expected(made, 2)
    const session = await made.compile()
    const file = path('whole.safetensors')
    const saves = [session.save(file), session.save(path('again.safetensors'))]
    session.dispose()
    await Promise.all(saves)
    for (const each of [file, path('again.safetensors')]) {
      using loaded = await loadSession(each)
      expectClose(await loaded.runBatch(samples), outputs, each)
    }
    expect((await laterRefusal(session.save(file))).code).to.equal('ERR_DISPOSED')
    using loaded = await loadSession(file)
    expectClose(await loaded.runBatch(samples), outputs, 'the file that was there')
  })

  it('ends a call of many batches before it is gone, and begins nothing more', async () => {
    using made = await pruned('lenet-300-100')
    const { samples, outputs } = expected(made, 20)
    for (const concurrency of [1, 2]) {
      const session = await made.compile({ batch: 1, threads: 1, concurrency })
      const calls = [session.runBatch(samples), session.runBatch(samples)]
      session.dispose()
      const file = path('late.safetensors')
      for (const late of [session.runBatch(samples), session.run(samples.slice(0, 784)), session.save(file)])
        expect((await laterRefusal(late)).code).to.equal('ERR_DISPOSED')
      for (const each of await Promise.all(calls)) expectClose(each, outputs, `${concurrency} at once`)
      expect((await laterRefusal(session.runBatch(samples))).code).to.equal('ERR_DISPOSED')
    }
  })

  it('says that samples were transferred or resized while it read them', async () => {
    using made = await pruned('lenet-300-100')
    // Two at once are jobs, whichever machine this is.
    using session = await made.compile({ batch: 1, threads: 1, concurrency: 2 })
    const given = new Float32Array(20 * 784)
    const running = session.runBatch(given)
    structuredClone(given, { transfer: [given.buffer] })
    expect(await refusedWith(running, 'ERR_ARGUMENT')).to.match(
      /^Session\.runBatch: samples had 15680 numbers and now have 0: transfer or resize them when/,
    )
    expect((await session.run(new Float32Array(784))).length).to.equal(10)
  })

  it('answers while another network is compiled', async () => {
    const layers = { one: nn.linear(1024, 4096), two: nn.linear(4096, 1024) }
    using made = network([1024], layers) as unknown as Network
    using large = network([3, 64, 64], {
      one: nn.conv2d(3, 32, 3, { padding: 1 }),
      two: nn.conv2d(32, 32, 3, { padding: 1 }),
    }) as unknown as Network
    // Large enough for jobs, all of them on one thread.
    using session = await made.compile({ batch: 1, threads: 1, forms: ['dense'] })
    const ended: string[] = []
    const compiling = large.compile({ threads: 1 }).then((other) => {
      ended.push('compiled')
      other.dispose()
    })
    await session.runBatch(new Float32Array(3 * 1024))
    ended.push('answered')
    await compiling
    expect(ended).to.deep.equal(['answered', 'compiled'])
  })
})
