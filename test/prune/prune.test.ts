import { expect } from 'chai'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { l2 } from '../../lib/optim/regularization.js'
import { sgd } from '../../lib/optim/spec.js'
import { keptWeights } from '../../lib/prune/mask.js'
import type { PruneOptions } from '../../lib/prune/options.js'
import { prune } from '../../lib/prune/prune.js'
import type { Round } from '../../lib/prune/round.js'
import { criteria } from '../../lib/prune/score/index.js'
import { parameterReport } from '../../lib/prune/surgery/neurons.js'
import { evaluate } from '../../lib/train/evaluate.js'
import { train } from '../../lib/train/train.js'
import { snapshot } from '../nn/bits.js'
import { refusal } from '../support/refusal.js'
import { toyData, toyNetwork } from '../train/toy.js'
import { expectSealed } from './sealed.js'

const optimizer = sgd({ lr: 0.1, momentum: 0.9 })
const data = () => toyData(256).split(64)

describe('prune', () => {
  it('comes down to its density over the rounds, and recovers', async () => {
    using net = toyNetwork()
    const splits = data()
    await train(net, splits.train, { epochs: 15, optimizer, batchSize: 16 })
    const run = prune(net, splits, {
      criterion: criteria.magnitude().density({ fc1: 0.25, fc2: 0.25 }),
      rounds: 2,
      retrain: { epochs: 6, optimizer: sgd({ lr: 0.05, momentum: 0.9 }), batchSize: 16 },
    })
    const rounds: Round[] = []
    for await (const round of run) {
      rounds.push(round)
      await expectSealed(net)
      expect((await evaluate(net, splits.validation)).top1Error).to.equal(round.validationError)
      expect(await keptWeights(net)).to.deep.equal(round.layers)
      const { kept, compression } = await parameterReport(net)
      expect(round).to.include({ parameters: kept, compression, rounds: 2 })
    }
    expect(rounds.map(({ round, density }) => [round, density])).to.deep.equal([
      [1, 0.5],
      [2, 0.25],
    ])
    expect(rounds[1]!.layers.map(({ name, weights, kept }) => [name, weights, kept])).to.deep.equal([
      ['fc1', 96, 24],
      ['fc2', 48, 12],
    ])
    expect(rounds[1]!.validationError).to.be.at.most(rounds[1]!.validationErrorBefore)
    expect(rounds[1]!.validationError).to.be.below(35)
    expect((await run).rounds).to.deep.equal(rounds)
  })

  it('gives the same bits for the same seed', async () => {
    const run = async (seed: number) => {
      using net = toyNetwork()
      const criterion = criteria.magnitude().deviation({ fc1: 0.5 })
      await prune(net, data(), { criterion, rounds: 2, retrain: { epochs: 2, optimizer }, seed })
      return snapshot(net)
    }
    expect(await run(3)).to.deep.equal(await run(3))
    expect(await run(3)).to.not.deep.equal(await run(4))
  })

  it('goes on behind a finished round as an unbroken run does', async () => {
    const options = {
      criterion: criteria.magnitude().deviation({ fc1: 0.4 }, { of: 'initial' }),
      rounds: 3,
      retrain: { epochs: 1, optimizer },
    }
    using whole = toyNetwork()
    const { initialDeviations } = await prune(whole, data(), options)
    using broken = toyNetwork()
    for await (const { round } of prune(broken, data(), options)) if (round === 2) break
    await prune(broken, data(), { ...options, after: { round: 2, initial: initialDeviations } })
    expect(snapshot(broken)).to.deep.equal(snapshot(whole))
  })

  it('has the dropout of finished rounds where none is left to do', async () => {
    for (const adjustDropout of [true, false, 'off'] as const) {
      const options = {
        criterion: criteria.magnitude().density(0.25),
        rounds: 2,
        adjustDropout,
        retrain: { epochs: 1, optimizer },
      }
      using net = toyNetwork()
      const first = net.dropout('drop')
      const { initialDeviations } = await prune(net, data(), options)
      const last = net.dropout('drop')
      expect(last === first).to.equal(adjustDropout === false)
      net.setDropout('drop', first)
      await prune(net, data(), { ...options, after: { round: 2, initial: initialDeviations } })
      expect(net.dropout('drop')).to.equal(last)
    }
  })

  it('tells of the network between pruning and retraining', async () => {
    using net = toyNetwork()
    const seen: unknown[] = []
    const splits = data()
    const { rounds } = await prune(net, splits, {
      criterion: criteria.magnitude().density(0.25),
      rounds: 2,
      retrain: { epochs: 1, optimizer },
      async onPruned(round, density) {
        const { top1Error } = await evaluate(net, splits.validation)
        seen.push([round, density, top1Error])
      },
    })
    expect(seen).to.deep.equal(rounds.map((each) => [each.round, each.density, each.validationErrorBefore]))
  })

  it('needs an optimizer, and rounds that can be counted', () => {
    using net = toyNetwork()
    const start = (retrain: object, rounds = 1) => {
      const options = { criterion: criteria.magnitude().density(0.5), rounds, retrain } as PruneOptions
      return refusal(() => prune(net as AnyNetwork, data(), options))
    }
    const error = start({ epochs: 1 })
    expect(error).to.include({ code: 'ERR_ARGUMENT' })
    expect(error.message).to.match(/^prune: retrain.optimizer is missing/)
    expect(start({ epochs: 1, optimizer }, 0).message).to.equal(
      'prune: rounds must be a whole number of 1 or more, got 0',
    )
  })

  it('computes the same after a training as after loading that training from a file', async () => {
    const splits = data()
    using trained = toyNetwork()
    await train(trained, splits.train, {
      epochs: 1,
      optimizer,
      batchSize: 16,
      regularization: l2(1e-3),
      autocast: 'bfloat16',
    })
    const rates: number[] = []
    const retrain = { epochs: 1, optimizer: sgd({ lr: 0.02 }) }
    const options = {
      criterion: criteria.magnitude().density(0.5),
      rounds: 2,
      retrain,
      onEpoch: ({ lr }: { lr: number }) => void rates.push(lr),
    }
    using other = toyNetwork()
    for (const name of other.tensorNames()) {
      using values = trained.tensor(name)
      using plain = values.detach()
      await other.put([[name, plain]])
    }
    await prune(trained, splits, options)
    await prune(other, splits, options)
    expect(snapshot(trained)).to.deep.equal(snapshot(other))
    await prune(trained, splits, { ...options, criterion: criteria.magnitude().density(0.25) })
    expect(rates, 'each time the rate that was given').to.deep.equal(rates.map(() => 0.02))
  })

  it('stops when aborted in a round, sealed', async () => {
    using net = toyNetwork()
    const stop = new AbortController()
    const run = prune(net, data(), {
      criterion: criteria.magnitude().density(0.25),
      rounds: 100,
      retrain: { epochs: 100, optimizer },
      signal: stop.signal,
      onProgress: () => stop.abort(new Error('enough')),
    })
    expect(await Promise.resolve(run).catch((error: Error) => error.message)).to.equal('enough')
    expect(await expectSealed(net)).to.be.above(0)
    await train(net, data().train, { epochs: 1, optimizer })
    await expectSealed(net)
  })
})
