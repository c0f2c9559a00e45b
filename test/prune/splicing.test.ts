import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { loadNetwork } from '../../lib/nn/load.js'
import { sgd } from '../../lib/optim/spec.js'
import { applyCriterion, keptWeights } from '../../lib/prune/mask.js'
import type { SpliceEpoch, SplicePoint } from '../../lib/prune/progress.js'
import { criteria } from '../../lib/prune/score/index.js'
import { type SpliceOptions, splice } from '../../lib/prune/splicing.js'
import { noGrad } from '../../lib/tensor/autograd.js'
import { snapshot } from '../nn/bits.js'
import { device } from '../support/device.js'
import { laterRefusal, refusal } from '../support/refusal.js'
import { toyNetwork } from '../train/toy.js'
import { expectSealed } from './sealed.js'
import { options, toy } from './splicing_toy.js'

describe('splice', () => {
  it('keeps the densities that were asked for, and ends sealed', async () => {
    using net = toyNetwork()
    const epochs: SpliceEpoch[] = []
    const run = splice(net, toy(), options)
    for await (const epoch of run) epochs.push(epoch)
    const { layers, density, compression } = await run
    expect(layers.map(({ kept }) => kept)).to.deep.equal([24, 24])
    expect(density).to.equal(48 / 144)
    expect(compression).to.be.above(1)
    expect(epochs.map((epoch) => epoch.epoch)).to.deep.equal([1, 2, 3, 4])
    expect(epochs.at(-1)!.density).to.equal(density)
    expect(epochs[0]!.density).to.be.above(density)
    expect(epochs.every(({ validationError }) => validationError! >= 0)).to.equal(true)
    expect(net.spliced).to.deep.equal([])
    expect(await expectSealed(net)).to.equal(96)
  })

  it('gives weights back', async () => {
    using net = toyNetwork()
    const { epochs } = await splice(net, toy(), { ...options, epochs: 12, every: 1, margin: 0 })
    const sum = (what: 'returned' | 'removed') => epochs.reduce((total, epoch) => total + epoch[what], 0)
    expect(sum('returned')).to.be.above(0)
    expect(sum('removed') - sum('returned')).to.equal(96)
    expect(epochs.at(-1)!.returned, 'the mask has come to rest').to.equal(0)
  })

  it('repeats under a seed, and not under another', async () => {
    const weights = async (seed: number) => {
      using net = toyNetwork()
      await splice(net, toy(), { ...options, seed, probability: 0.5, every: 1 })
      return snapshot(net)
    }
    const first = await weights(1)
    expect(await weights(1)).to.deep.equal(first)
    expect(await weights(2)).to.not.deep.equal(first)
  })

  it('lowers dropout by the square root of what the reader keeps, unless told not to', async () => {
    using net = toyNetwork()
    await splice(net, toy(), options)
    expect(net.dropout('drop')).to.be.closeTo(0.2 * Math.sqrt(0.5), 1e-12)
    using other = toyNetwork()
    await splice(other, toy(), { ...options, adjustDropout: false })
    expect(other.dropout('drop')).to.equal(0.2)
  })

  it('leaves frozen layers as they are, their seal too', async () => {
    using net = toyNetwork()
    await applyCriterion(net, criteria.magnitude().density({ fc1: 0.5 }))
    net.freeze('fc1')
    const before = snapshot(net)
    const run = splice(net, toy(), {
      ...options,
      criterion: criteria.magnitude().density(0.25),
      cachePrefix: true,
    })
    for await (const { epoch } of run) if (epoch === 1) expect(net.spliced).to.deep.equal(['fc2'])
    expect(snapshot(net)['fc1.weight']).to.deep.equal(before['fc1.weight'])
    expect((await keptWeights(net)).map(({ kept }) => kept)).to.deep.equal([48, 12])
    await expectSealed(net)
  })

  it('goes on from masks that were sealed, and may give back what they pruned', async () => {
    using net = toyNetwork()
    await applyCriterion(net, criteria.magnitude().density({ fc1: 0.25, fc2: 0.25 }))
    const { layers, epochs } = await splice(net, toy(), options)
    expect(layers.map(({ kept }) => kept)).to.deep.equal([24, 24])
    expect(epochs.reduce((sum, { returned }) => sum + returned, 0)).to.be.at.least(12)
    await expectSealed(net)
  })

  it('learns from the network as it came', async () => {
    using net = toyNetwork()
    await splice(net, toy(), { ...options, distillation: { weight: 1 } })
    await expectSealed(net)
  })

  it('stays spliced when aborted, and is then sealed by hand', async () => {
    using net = toyNetwork()
    const control = new AbortController()
    const run = splice(net, toy(), { ...options, signal: control.signal, onEpoch: () => control.abort() })
    expect(await run.then(undefined, (error: unknown) => (error as Error).name)).to.equal('AbortError')
    expect(net.spliced).to.deep.equal(['fc1', 'fc2'])
    expect((await laterRefusal(net.assertSealed())).code).to.equal('ERR_SEAL')
    await net.seal()
    await expectSealed(net)
  })

  it('refuses to empty a layer, with its weights still there', async () => {
    using net = toyNetwork()
    using weight = net.tensor('fc2.weight')
    noGrad(() => weight.mul_(1e-6))
    const run = splice(net, toy(), { ...options, criterion: criteria.magnitude().global(0.05), every: 1 })
    const { code, message } = await laterRefusal(run)
    expect(code).to.equal('ERR_ARGUMENT')
    expect(message).to.match(/^the criterion prunes every weight of 'fc2\.weight'/)
    await net.seal()
    expect((await keptWeights(net)).every(({ kept }) => kept > 0)).to.equal(true)
  })

  const rules = [true, false, 'off'] as const
  for (const adjustDropout of rules)
    it(`goes on behind an epoch from a checkpoint, with adjustDropout ${adjustDropout}`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'splicing-'))
      try {
        const file = join(folder, 'epoch.safetensors')
        let point: SplicePoint | undefined
        using net = toyNetwork()
        // Without momentum the optimizer has nothing to remember, and the run is the unbroken one bit for bit.
        const plain = { ...options, optimizer: sgd({ lr: 0.2 }), adjustDropout }
        await splice(net, toy(), {
          ...plain,
          onEpoch: async (epoch) => {
            if (epoch.epoch !== 2) return
            await net.saveCheckpoint(file)
            point = JSON.parse(JSON.stringify(epoch.point))
          },
        })
        using again = await loadNetwork(file, { device })
        expect(again.spliced).to.deep.equal(['fc1', 'fc2'])
        const { epochs } = await splice(again, toy(), { ...plain, seed: net.seed, after: point })
        expect(epochs.map(({ epoch }) => epoch)).to.deep.equal([3, 4])
        expect(snapshot(again)).to.deep.equal(snapshot(net))
      } finally {
        rmSync(folder, { recursive: true })
      }
    })

  describe('refuses', () => {
    const begun = { initialDeviations: {}, initialDensities: {} }
    const bad: [what: string, says: RegExp, change: object][] = [
      [
        'another criterion',
        /aims at a density of magnitudes, not at criteria\.magnitude\(\)\.deviation\(\): use/,
        { criterion: criteria.magnitude().deviation(1) },
      ],
      [
        'a layer that is not there',
        /layer 'fc9' is not in/,
        { criterion: criteria.magnitude().density({ fc9: 0.5 }) },
      ],
      ['half an epoch', /: epochs must be a whole number/, { epochs: 0.5 }],
      ['every 0 steps', /: every must be a whole number of 1 or more, got 0$/, { every: 0 }],
      ['a margin of 1', /: margin must be 0 or more and under 1, got 1$/, { margin: 1 }],
      ['a margin that is none', /: margin must be .* got NaN$/, { margin: Number.NaN }],
      ['no probability', /: probability must be over 0 and up to 1, got 0$/, { probability: 0 }],
      ['a reach over 1', /: reach must be over 0 and up to 1, got 2$/, { reach: 2 }],
      ['an end before the density is there', /^reach must not be over until/, { reach: 0.5, until: 0.4 }],
      ['to go on behind the end', /^after.epoch must be one of the 4/, { after: { epoch: 4, ...begun } }],
      [
        'to go on without the teacher',
        /needs its distillation\.teacher/,
        { after: { epoch: 1, ...begun }, distillation: {} },
      ],
      [
        'to keep nothing',
        /^density 0 keeps 0 of the 96 weights of fc1: /,
        { criterion: criteria.magnitude().density(0) },
      ],
    ]
    for (const [what, says, change] of bad) {
      it(what, async () => {
        using net = toyNetwork()
        const attempt = async () =>
          await splice(net, toy(), { ...options, ...change } as SpliceOptions<'fc1'>)
        const { code, message } = await laterRefusal(attempt())
        expect(code).to.equal('ERR_ARGUMENT')
        expect(message).to.match(says)
        expect(net.spliced, 'nothing changed').to.deep.equal([])
      })
    }

    it('a frozen layer by name, and a network where all are', () => {
      using net = toyNetwork()
      net.freeze('fc1')
      expect(refusal(() => splice(net, toy(), options)).message).to.match(/^layer 'fc1' is frozen and cannot/)
      net.freeze('fc2')
      const all = { ...options, criterion: criteria.magnitude().density(0.5) }
      expect(refusal(() => splice(net, toy(), all)).message).to.match(/^there is no layer to splice/)
    })
  })
})
