import { expect } from 'chai'
import { loadAddon } from '../../lib/binding/addon.js'
import { type Network, noGrad, type Session, tensor } from '../../lib/index.js'
import { laterRefusal, refusal } from '../support/refusal.js'
import { expectClose, expected, FORMS, NETWORKS, pruned } from './networks.js'

describe('a session', () => {
  for (const name of Object.keys(NETWORKS)) {
    for (const forms of FORMS) {
      for (const batch of [1, 3, 20]) {
        const title = `puts out what ${name} does, ${forms[0] ?? 'measured'}, ${batch} at a time`
        it(title, async () => {
          using network = await pruned(name)
          const { samples, outputs } = expected(network, batch)
          using session = await network.compile({ batch, threads: 2, forms })
          expectClose(await session.runBatch(samples), outputs, 'run')
          expectClose(await session.runBatch(samples), outputs, 'run again')
          expectClose(session.runSync(samples), outputs, 'run at once')
          expect(session.layers.map((layer) => layer.name)).to.deep.equal(network.prunable)
          if (forms[0] === 'sparse') {
            expect(session.layers.every(({ form }) => form === 'sparse')).to.equal(true)
          }
          if (forms[0] === 'packed' && process.arch === 'x64') {
            const convolutions = session.layers.filter(
              ({ name }) => network.tensor(`${name}.weight`).ndim === 4,
            )
            for (const layer of convolutions) expect(layer.form, layer.name).to.equal('packed')
          }
          // Of what is left without dead neurons.
          for (const layer of session.layers) expect(layer.density).to.be.within(0.23, 0.4)
        })
      }
    }
  }

  it('runs any number of samples, and fewer than a batch', async () => {
    using network = await pruned('lenet-300-100')
    const { samples, outputs } = expected(network, 7)
    using session = await network.compile({ batch: 3 })
    expectClose(await session.runBatch(samples), outputs, 'seven')
    const one = await session.run(samples.subarray(0, 784))
    expectClose(one, outputs.subarray(0, 10), 'one')
  })

  it('normalizes bytes by channel', async () => {
    using network = await pruned('sums of a layer and what is made of it')
    const [mean, std] = [
      [0.1, 0.2, 0.3],
      [0.5, 0.25, 2],
    ]
    const bytes = Uint8Array.from({ length: 2 * 3 * 64 }, (_, i) => (i * 37) % 256)
    const floats = Float32Array.from(bytes, (byte, i) => {
      const channel = Math.floor(i / 64) % 3
      return (byte / 255 - mean[channel]!) / std[channel]!
    })
    using session = await network.compile({ batch: 2, mean, std })
    const outputs = await session.runBatch(floats)
    expectClose(await session.runBatch(bytes), outputs, 'bytes')
    expectClose(await session.runBatch(new Uint8ClampedArray(bytes)), outputs, 'clamped bytes')
  })

  it('says the most probable classes', async () => {
    using network = await pruned('lenet-300-100')
    const { samples, outputs } = expected(network, 1)
    using session = await network.compile()
    const guesses = await session.classify(samples, { top: 10 })
    using softmax = tensor(Array.from(outputs)).softmax(0)
    const probabilities = softmax.toArray() as number[]
    for (const guess of guesses) expect(guess.probability).to.be.closeTo(probabilities[guess.class]!, 1e-6)
    expect(guesses.map((guess) => guess.probability)).to.deep.equal(
      guesses.map((guess) => guess.probability).toSorted((a, b) => b - a),
    )
    expect(await session.classify(samples)).to.deep.equal(guesses.slice(0, 1))
  })

  it('stays as it was compiled while the network trains on, and after it is gone', async () => {
    const network = await pruned('lenet-300-100')
    const { samples, outputs } = expected(network, 1)
    using session = await network.compile()
    noGrad(() => network.tensor('fc1.weight').mul_(3))
    expectClose(await session.run(samples), outputs, 'trained on')
    network.dispose()
    expectClose(await session.run(samples), outputs, 'gone')
  })

  for (const concurrency of [1, 3]) {
    it(`answers calls that overlap, each with its own, ${concurrency} at once`, async () => {
      for (const forms of FORMS) {
        // One that runs on the calling thread, and one that does not.
        for (const name of ['lenet-300-100', 'lenet-5']) {
          using network = await pruned(name)
          const { samples, outputs } = expected(network, 16)
          using session = await network.compile({ batch: 2, threads: 2, concurrency, forms })
          expect(session).to.include({ concurrency, threads: 2 })
          const part = (i: number) => samples.slice(i * 784, (i + 1) * 784)
          const calls = Array.from({ length: 16 }, (_, i) => session.run(part(i)))
          const whole = session.runBatch(samples)
          const now = Array.from({ length: 4 }, (_, i) => session.runSync(part(i)))
          const each = [...(await Promise.all(calls)), ...now]
          for (const [i, output] of each.entries()) {
            const at = 10 * (i % 16)
            expectClose(output, outputs.subarray(at, at + 10), `call ${i}`)
          }
          expectClose(await whole, outputs, 'all')
        }
      }
    })
  }

  it('ends what runs at once before it is gone', async () => {
    using network = await pruned('lenet-5')
    const { samples, outputs } = expected(network, 8)
    const session = await network.compile({ threads: 1, concurrency: 4 })
    const calls = Array.from({ length: 8 }, (_, i) => session.run(samples.slice(i * 784, (i + 1) * 784)))
    session.dispose()
    for (const [i, output] of (await Promise.all(calls)).entries())
      expectClose(output, outputs.subarray(10 * i, 10 * i + 10), `call ${i}`)
  })

  it('runs a network whose weights are all zero, or none', async () => {
    for (const factor of [0, 1]) {
      using network = await pruned('convolutions of all kinds', 1)
      noGrad(() => {
        for (const layer of network.prunable) network.tensor(`${layer}.weight`).mul_(factor)
      })
      const { samples, outputs } = expected(network, 2)
      for (const forms of FORMS) {
        using session = await network.compile({ batch: 2, forms })
        expectClose(await session.runBatch(samples), outputs, `${forms}`)
      }
    }
  })

  describe('that is asked for what it cannot do', () => {
    let network: Network
    let session: Session
    before(async () => {
      network = await pruned('lenet-300-100')
      session = await network.compile({ batch: 2 })
    })
    after(() => {
      session.dispose()
      network.dispose()
    })

    it('refuses samples of other sizes and types, in one line', async () => {
      for (const [samples, code, message] of [
        [
          new Float32Array(783),
          'ERR_SHAPE',
          'expected 784 numbers, those of one sample [1, 28, 28], got 783',
        ],
        [new Float32Array(0), 'ERR_SHAPE', 'expected 784 numbers, those of one sample [1, 28, 28], got 0'],
        [new Float64Array(784), 'ERR_ARGUMENT', 'must be a Float32Array or a Uint8Array, got'],
        [[1, 2], 'ERR_ARGUMENT', 'must be a Float32Array or a Uint8Array, got'],
        [undefined, 'ERR_ARGUMENT', 'must be a Float32Array or a Uint8Array, got'],
        [new Uint8Array(784), 'ERR_ARGUMENT', 'samples of bytes need a mean and std'],
      ] as const) {
        const refused = await laterRefusal(session.run(samples as Float32Array))
        expect(refused.code).to.equal(code)
        expect(refused.message).to.include(message)
        expect(refused.message).not.to.include('\n')
      }
      const many = refusal(() => session.runSync(new Float32Array(3 * 784)))
      expect(many.message).to.equal(
        'Session.runSync: samples: expected 784 numbers for each sample [1, 28, 28], at most 2 of them, got 2352',
      )
    })

    it('refuses options that are wrong, by name', async () => {
      for (const [options, message] of [
        [{ batch: 0 }, 'Network.compile: batch must be a whole number of 1 or more, got 0'],
        [{ threads: 1.5 }, 'Network.compile: threads must be'],
        [{ forms: ['fast'] }, 'Network.compile: forms'],
        [{ mean: [0, 0] }, 'Network.compile: mean has 2 numbers, and samples have 1 channel'],
        [{ std: [0] }, 'Network.compile: std must be above 0, got [0]'],
        [{ size: 1 }, "Network.compile: unknown option 'size'"],
      ] as const) {
        const { code, message: said } = await laterRefusal(network.compile(options as object))
        expect(code).to.equal('ERR_ARGUMENT')
        expect(said).to.include(message)
      }
    })

    it('is stopped by a signal', async () => {
      const controller = new AbortController()
      const compiling = network.compile({ signal: controller.signal })
      controller.abort()
      expect(await compiling.catch((error: Error) => error.name)).to.equal('AbortError')
    })

    it('says that it was disposed of', async () => {
      const gone = await network.compile()
      gone.dispose()
      gone.dispose()
      const { code } = await laterRefusal(gone.run(new Float32Array(784)))
      expect(code).to.equal('ERR_DISPOSED')
    })

    it('refuses a network that is spliced or disposed of', async () => {
      const other = await pruned('lenet-300-100', 1)
      await other.splice('fc1')
      expect((await laterRefusal(other.compile())).code).to.equal('ERR_SEAL')
      other.dispose()
      expect((await laterRefusal(other.compile())).code).to.equal('ERR_DISPOSED')
    })
  })

  it('is not made natively of samples without a number, or with means of other channels', async () => {
    using network = await pruned('lenet-300-100')
    const settings = { batch: 1, threads: 1, concurrency: 1, forms: [] }
    const made = (given: { inputShape: number[]; mean: number[]; std: number[] }) =>
      laterRefusal(loadAddon().sessionCompileStart(network.handle, { ...settings, ...given }).promise)
    const many = new Array<number>(1000).fill(1)
    for (const [given, message] of [
      [{ inputShape: [1, 0, 28], mean: [], std: [] }, /^inputShape is of samples without a number/],
      [{ inputShape: [], mean: [], std: [] }, /^inputShape is of samples without a number/],
      [{ inputShape: [1, 28, 28], mean: many, std: many }, /^mean and std need one number a channel, 1$/],
      [{ inputShape: [1, 28, 28], mean: [0], std: [] }, /^mean and std need one number a channel, 1$/],
    ] as const) {
      const { code, message: said } = await made(given as never)
      expect(code).to.equal('ERR_SHAPE')
      expect(said).to.match(message)
    }
  })

  it('takes forms only for as many layers as it has', async () => {
    using network = await pruned('lenet-300-100')
    const native = loadAddon()
    const few = { batch: 1, threads: 1, concurrency: 1 }
    const settings = { ...few, inputShape: [1, 28, 28], forms: [], mean: [], std: [] }
    const compiling = native.sessionCompileStart(network.handle, { ...settings, chosen: ['dense'] }).promise
    expect((await laterRefusal(compiling)).message).to.equal(
      'the plan is of another network: it has forms for 1 layers, not 3',
    )
  })
})
