import { expect } from 'chai'
import type { Batch, BatchSource } from '../../lib/data/batches.js'
import { Dataset } from '../../lib/data/dataset.js'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { ema } from '../../lib/optim/averaging.js'
import { cosine } from '../../lib/optim/schedule.js'
import { tensor } from '../../lib/tensor/from.js'
import { evaluate, predict } from '../../lib/train/evaluate.js'
import { train } from '../../lib/train/train.js'
import { snapshot } from '../nn/bits.js'
import { laterRefusal, refusal } from '../support/refusal.js'
import { toyData, toyNetwork } from '../train/toy.js'
import { of, plan, toyBatches } from './toy_batches.js'

describe('batches of your own', () => {
  it('train as the same batches out of memory do, whatever they come from, and pass by pass', async () => {
    const batches = toyBatches()
    const sources: Record<string, BatchSource> = {
      array: batches,
      function: () => batches,
      generator: function* () {
        yield* batches
      },
      asynchronous: async function* () {
        for (const batch of batches) {
          await new Promise((resolve) => setTimeout(resolve, 1))
          yield batch
        }
      },
    }
    const results = []
    for (const [name, source] of Object.entries(sources)) {
      for (const more of [{}, { batches: 6 }, { ahead: 5 }]) {
        using net = toyNetwork()
        const { epochs } = await train(net, of(source, more), plan)
        results.push({ name, weights: snapshot(net), losses: epochs.map(({ loss }) => loss) })
      }
    }
    expect(results[0]!.losses[2]).to.be.below(results[0]!.losses[0]!)
    for (const { name, ...result } of results)
      expect(result, name).to.deep.equal({ weights: results[0]!.weights, losses: results[0]!.losses })
    using net = toyNetwork()
    const set = toyData()
    const { activations: _, ...whole } = await evaluate(net, set)
    const { activations: __, ...found } = await evaluate(net, of(batches))
    expect(found.loss).to.be.closeTo(whole.loss, 1e-6)
    expect(found.top1Error).to.equal(whole.top1Error)
  })

  it('of bytes, halves and whole numbers are normalized and converted as tensors in memory are', async () => {
    using net = toyNetwork()
    const bytes = Array.from({ length: 48 }, (_, i) => (i * 37) % 256)
    const labels = tensor([0, 1, 2, 0, 1, 2, 0, 1], { dtype: 'int64' })
    for (const dtype of ['uint8', 'int64', 'bfloat16', 'float64'] as const) {
      const images = tensor(bytes, { shape: [8, 6], dtype })
      const own = dtype === 'uint8' ? { mean: [0.5, 0, 0, 0, 0, 0], std: [0.25, 1, 1, 1, 1, 1] } : {}
      const whole = await evaluate(net, Dataset.from(images, labels, own))
      expect(await evaluate(net, of([{ images, labels }], own)), dtype).to.deep.equal(whole)
      using floats = images.to('float32')
      if (dtype !== 'uint8')
        expect(await evaluate(net, Dataset.from(floats, labels)), dtype).to.deep.equal(whole)
    }
  })

  it('are asked for one after the other, no more than a few ahead, and not held by the event loop', async () => {
    let made = 0
    let inside = 0
    let most = 0
    const batches = toyBatches()
    const seen: number[] = []
    const source = async function* () {
      for (const batch of batches) {
        most = Math.max(most, ++inside)
        await null
        inside--
        made++
        yield batch
      }
    }
    using net = toyNetwork()
    const dataset = of(source, { ahead: 2, batches: 6 })
    await evaluate(net, dataset, { onProgress: ({ done }) => seen.push(made - done) })
    expect(made).to.equal(6)
    expect(most).to.equal(1)
    // Two ahead, one that is trained on, and what was made while the report was on its way.
    for (const ahead of seen) expect(ahead).to.be.at.most(5)
  })

  it('may be made with the help of other jobs, which take their turns', async () => {
    using net = toyNetwork()
    using helper = toyNetwork(3)
    const set = toyData()
    const source = async function* () {
      for (let i = 0; i < 96; i += 16) {
        await evaluate(helper, set)
        using samples = await set.read(Array.from({ length: 16 }, (_, k) => i + k))
        yield samples
      }
    }
    using plain = toyNetwork()
    await train(plain, of(toyBatches(set)), plan)
    await train(net, of(source), plan)
    expect(snapshot(net)).to.deep.equal(snapshot(plain))
  })

  it('are told the seed of their pass, so that they shuffle alike each time', async () => {
    const seeds = async () => {
      const told: number[] = []
      using net = toyNetwork()
      const source: BatchSource = ({ seed }) => {
        told.push(seed)
        return toyBatches()
      }
      await train(net, of(source), plan)
      return told
    }
    const told = await seeds()
    expect(new Set(told).size).to.equal(3)
    expect(await seeds()).to.deep.equal(told)
  })

  it('fail the job with their own error as its cause', async () => {
    const boom = new RangeError('no more disk')
    const source = function* () {
      yield toyBatches()[0]!
      throw boom
    }
    for (const work of [
      (net: AnyNetwork) => train(net, of(source), plan),
      (net: AnyNetwork) => evaluate(net, of(source)),
      (net: AnyNetwork) =>
        evaluate(
          net,
          of(() => {
            throw boom
          }),
        ),
    ]) {
      using net = toyNetwork()
      const error = await laterRefusal(work(net as AnyNetwork))
      expect(error.message).to.match(/^batch [12] could not be made: no more disk$/)
      expect(error.code).to.equal('ERR_ARGUMENT')
      expect(error.cause).to.equal(boom)
    }
  })

  it('are left by an aborted training, however long the next one takes', async () => {
    let left = false
    let aborted = false
    const controller = new AbortController()
    const batches = toyBatches()
    const source = async function* ({ signal }: { signal: AbortSignal }) {
      signal.addEventListener('abort', () => {
        aborted = true
      })
      try {
        yield batches[0]!
        controller.abort()
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        yield batches[1]!
      } finally {
        left = true
      }
    }
    using net = toyNetwork()
    const job = train(net, of(source), { ...plan, signal: controller.signal })
    const reason = await job.then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(reason).to.equal(controller.signal.reason)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect([aborted, left]).to.deep.equal([true, true])
  })

  it('are refused where they are not what was said', async () => {
    using net = toyNetwork()
    const [{ images, labels }] = toyBatches() as [Batch]
    const floats = labels.to('float32')
    const wrong: [RegExp, unknown][] = [
      [
        /^batch 2 that your function made: images must be \[n, \.\.\.\] of samples \[6\], got \[16, 3\]$/,
        { images: images.slice(1, 0, 3), labels },
      ],
      [
        /^batch 2 that your function made: 16 images have 15 labels$/,
        { images, labels: labels.slice(0, 0, 15) },
      ],
      [
        /^batch 2 that your function made: labels must be whole numbers, as targetDtype says$/,
        { images, labels: floats },
      ],
      [/^batch 2 could not be made: it must be an object \{ images, labels \} of tensors$/, 3],
      [/^batch 2 could not be made: labels is missing: it must be a tensor/, { images }],
      [
        /^batch 2 has a label 9, the network has outputs for 3 classes/,
        { images, labels: labels.add(9).clamp(9, 9) },
      ],
    ]
    for (const [says, batch] of wrong) {
      const source = () => [{ images, labels }, batch] as Batch[]
      expect((await laterRefusal(train(net, of(source), plan))).message).to.match(says)
    }
    const once = toyBatches().values()
    expect((await laterRefusal(train(net, of(once), plan))).message).to.match(
      /^a pass over the batches gave none/,
    )
    const short = of(toyBatches(), { batches: 7 })
    expect((await laterRefusal(train(net, short, plan))).message).to.match(/^the batches ended after 6 of 7/)
  })

  it('refuse what needs samples by index, or the number of steps', async () => {
    using net = toyNetwork()
    const unknown = of(toyBatches())
    expect(unknown.length).to.be.NaN
    expect(refusal(() => train(net, unknown, { ...plan, averaging: ema() })).message).to.match(
      /^averaging reads samples by index/,
    )
    expect(refusal(() => train(net, unknown, { ...plan, schedule: cosine() })).message).to.match(
      /^a cosine comes down over all steps/,
    )
    await train(net, of(toyBatches(), { batches: 6 }), { ...plan, schedule: cosine() })
    expect((await laterRefusal(predict(net, unknown))).message).to.match(
      /^predict\(\) needs samples that can be asked for by index/,
    )
    expect(refusal(() => unknown.slice(0, 2)).message).to.match(/^a slice needs samples/)
    expect(refusal(() => unknown.batch([0])).message).to.match(
      /^these batches are made by a function of yours/,
    )
    expect(refusal(() => of(5 as unknown as BatchSource)).message).to.match(
      /^Dataset\.fromBatches: source must be a function/,
    )
  })
})
