import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { loadNetwork } from '../../lib/nn/load.js'
import { sgd } from '../../lib/optim/spec.js'
import { applyCriterion } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import type { QuantizeEvent } from '../../lib/quantize/progress.js'
import { type QuantizeOptions, quantize } from '../../lib/quantize/quantize.js'
import { entropyOf, layerSizes, networkSize } from '../../lib/quantize/size.js'
import { type SharingPoint, solveValues } from '../../lib/quantize/solve.js'
import { scope } from '../../lib/tensor/scope.js'
import { evaluate } from '../../lib/train/evaluate.js'
import { train } from '../../lib/train/train.js'
import { snapshot } from '../nn/bits.js'
import { laterRefusal, refusal } from '../support/refusal.js'
import { toyData, toyNetwork } from '../train/toy.js'
import { expectShared } from './shared.js'

const retrain = { epochs: 3, optimizer: sgd({ lr: 0.02, momentum: 0.9 }), batchSize: 16 }

/** A toy network that is trained and pruned, and its data. */
async function pruned() {
  const [net, data] = [toyNetwork(), { train: toyData(192), validation: toyData(96, 7) }]
  await train(net, data.train, { epochs: 12, optimizer: sgd({ lr: 0.1, momentum: 0.9 }), batchSize: 16 })
  await applyCriterion(net, criteria.magnitude().density(0.5))
  return { net, data }
}

describe('quantize', () => {
  it('clusters, retrains, and says what came of it', async () => {
    const { net, data } = await pruned()
    const before = (await evaluate(net, data.validation)).error
    const events: QuantizeEvent[] = []
    const job = quantize(net, data, { values: { fc1: 4, fc2: 3 }, retrain })
    for await (const event of job) events.push(event)
    expect(events.map(({ stage }) => stage)).to.deep.equal(['clustered', 'epoch', 'epoch', 'epoch', 'done'])
    const result = await job
    const [clustered] = events
    expect(clustered).to.deep.include({ values: { fc1: 4, fc2: 3 }, validationErrorBefore: before })
    expect(result.validationErrorBefore).to.equal(before)
    expect(result.validationError).to.equal((await evaluate(net, data.validation)).error)
    expect(result.layers.map(({ name, kept, values }) => [name, kept, values])).to.deep.equal([
      ['fc1', 48, 4],
      ['fc2', 24, 3],
    ])
    await expectShared(net)
    net.dispose()
  })

  it('improves on clusters alone', async () => {
    const { net, data } = await pruned()
    const { validationErrorClustered, validationError } = await quantize(net, data, {
      values: 2,
      retrain: { ...retrain, epochs: 8 },
    })
    expect(validationError).to.be.below(validationErrorClustered)
    net.dispose()
  })

  it('takes bits, kinds of layers, and leaves the others alone', async () => {
    const { net, data } = await pruned()
    await quantize(net, data, { bits: { fc: 2, fc2: 1 } })
    scope(() => {
      expect(net.codebook('fc1')!.values.shape).to.deep.equal([5])
      expect(net.codebook('fc2')!.values.shape).to.deep.equal([3])
    })
    const { net: other } = await pruned()
    await quantize(other, data, { values: { fc2: 5 } })
    expect(other.codebook('fc1')).to.equal(undefined)
    expect(other.mask('fc1')).to.not.equal(undefined)
    net.dispose()
    other.dispose()
  })

  it('learns from the network as it came', async () => {
    const { net, data } = await pruned()
    const { validationError } = await quantize(net, data, {
      bits: 2,
      retrain: { ...retrain, distillation: { weight: 0.5 } },
    })
    expect(validationError).to.be.within(0, 100)
    await expectShared(net)
    net.dispose()
  })

  it('rounds biases where it is asked to', async () => {
    const { net, data } = await pruned()
    const wide = await quantize(net, data, { values: 4 })
    const { layers, bytes } = await quantize(net, data, { values: 4, biases: 'float16' })
    scope(() => {
      const bias = net.tensor('fc1.bias').detach()
      expect(bias.equal(bias.to('float16').to('float32'))).to.equal(true)
    })
    expect(wide.bytes - bytes).to.equal((16 + 3) * 2)
    expect(layers).to.deep.equal(wide.layers)
    net.dispose()
  })

  it('meets a budget of bytes, and one of error', async () => {
    const { net, data } = await pruned()
    const all = await quantize(net, data, { values: 64 })
    const budget = Math.round(all.bytes * 0.7)
    const { net: smaller } = await pruned()
    const events: QuantizeEvent[] = []
    const job = quantize(smaller, data, { budget: { bytes: budget } })
    for await (const event of job) events.push(event)
    const { bytes } = await job
    expect(bytes).to.be.within(1, budget)
    expect(events.filter(({ stage }) => stage === 'measured').length).to.equal(16)
    const { net: exact } = await pruned()
    const careful = await quantize(exact, data, { budget: { error: 0 } })
    expect(careful.layers.every(({ values }) => values !== undefined)).to.equal(true)
    for (const each of [net, smaller, exact]) each.dispose()
  })

  it('says what the nearest budget is, with nothing changed', async () => {
    const { net, data } = await pruned()
    const before = snapshot(net)
    const bytes = await laterRefusal(quantize(net, data, { budget: { bytes: 50 } }).result())
    expect(bytes.message).to.match(
      /^quantize: a budget of 50 bytes cannot be met: the nearest is \d+ bytes, with 2 values in each layer$/,
    )
    const error = refusal(() => quantize(net, data, { budget: { error: -1 } }))
    expect(error.message).to.match(/^quantize: budget\.error must be 0 or more, got -1/)
    expect(snapshot(net)).to.deep.equal(before)
    expect(net.codebook('fc1')).to.equal(undefined)
    await net.assertSealed()
    net.dispose()
  })

  it('saves what it did', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'quantize-'))
    try {
      const { net, data } = await pruned()
      await quantize(net, data, { values: 4, retrain })
      await net.save(join(folder, 'net.safetensors'))
      using again = await loadNetwork(join(folder, 'net.safetensors'))
      expect(snapshot(again)).to.deep.equal(snapshot(net))
      expect(await networkSize(again)).to.deep.equal(await networkSize(net))
      await net.export(join(folder, 'net.tpz'))
      using coded = await loadNetwork(join(folder, 'net.tpz'))
      expect(snapshot(coded)).to.deep.equal(snapshot(net))
      net.dispose()
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  describe('refuses', () => {
    const cases: [what: string, options: object, says: RegExp][] = [
      ['no number of values', {}, /say how many values weights share by one of values, bits and budget$/],
      ['two of them', { values: 4, bits: 2 }, /one of values, bits and budget$/],
      [
        'a layer that is not there',
        { values: { fc9: 4 } },
        /values names 'fc9', which is no layer with weights.*: use fc1, fc2, fc$/,
      ],
      ['no values', { values: 0 }, /values must be a whole number in 1\.\.32767, got 0/],
      [
        'two budgets',
        { budget: { bytes: 1, error: 1 } },
        /budget must be one of \{ bytes \} and \{ error \}$/,
      ],
      ['an option that is not there', { values: 4, epochs: 3 }, /epochs/],
    ]
    for (const [what, options, says] of cases) {
      it(what, () => {
        using net = toyNetwork()
        const data = { train: toyData(), validation: toyData() }
        const { code, message } = refusal(() =>
          quantize(net, data, options as QuantizeOptions<'fc1' | 'fc2'>),
        )
        expect(code).to.equal('ERR_ARGUMENT')
        expect(message).to.match(says)
      })
    }

    it('a network that is spliced', async () => {
      using net = toyNetwork()
      await net.splice('fc1')
      const data = { train: toyData(), validation: toyData() }
      const { code } = await laterRefusal(quantize(net, data, { values: 4 }).result())
      expect(code).to.equal('ERR_SEAL')
    })
  })
})

describe('the size of a network', () => {
  it('is the entropy of values and gaps', async () => {
    expect(entropyOf([1, 1])).to.equal(1)
    expect(entropyOf([4])).to.equal(0)
    expect(entropyOf([1, 1, 2, 0])).to.equal(1.5)
    const { net, data } = await pruned()
    const [dense] = await layerSizes(net)
    expect(dense).to.include({ bits: 32, entropy: 32, kept: 48, weights: 96, gapBits: 5 })
    await quantize(net, data, { values: 4 })
    const [fc1] = await layerSizes(net)
    expect(fc1).to.include({ bits: 2, kept: 48, values: 4 })
    expect(fc1!.entropy).to.be.within(1, 2)
    const gaps = scope(() => {
      const flags = Array.from(net.mask('fc1')!.flatten().data(), Number)
      const places = flags.flatMap((flag, i) => (flag ? [i] : []))
      const counts = new Map<number, number>()
      places.forEach((place, i) => {
        const gap = place - (places[i - 1] ?? -1)
        counts.set(gap, (counts.get(gap) ?? 0) + 1)
      })
      return entropyOf(counts.values())
    })
    expect(fc1!.gapEntropy).to.be.closeTo(gaps, 1e-12)
    expect(fc1!.bytes).to.equal(Math.ceil((48 * (fc1!.entropy + gaps)) / 8 + 16))
    net.dispose()
  })
})

describe('numbers of values are solved', () => {
  const points = (layer: string, errors: readonly number[]): SharingPoint[] =>
    errors.map((error, i) => ({ layer, values: 8 >> i, error, bytes: 100 * (errors.length - i) }))
  const both = [...points('a', [1, 1.1, 3]), ...points('b', [1, 2, 2.5])]

  it('by the step that costs least for each byte', () => {
    const solve = (budget: { bytes: number } | { error: number }) =>
      Object.fromEntries(solveValues(both, 1, 50, budget))
    expect(solve({ bytes: 650 })).to.deep.equal({ a: 8, b: 8 })
    expect(solve({ bytes: 550 })).to.deep.equal({ a: 4, b: 8 })
    expect(solve({ bytes: 450 })).to.deep.equal({ a: 4, b: 4 })
    expect(solve({ bytes: 350 })).to.deep.equal({ a: 4, b: 2 })
    expect(solve({ error: 0 })).to.deep.equal({ a: 8, b: 8 })
    expect(solve({ error: 1.11 })).to.deep.equal({ a: 4, b: 4 })
    expect(solve({ error: 9 })).to.deep.equal({ a: 2, b: 2 })
  })
})
