import { expect } from 'chai'
import { Dataset } from '../../lib/data/dataset.js'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import {
  batchNorm2d,
  conv2d,
  dropout,
  flatten,
  linear,
  localResponseNorm,
  relu,
} from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { l2 } from '../../lib/optim/regularization.js'
import { sgd } from '../../lib/optim/spec.js'
import { adjustDropout } from '../../lib/prune/dropout.js'
import { applyCriterion, keptWeights } from '../../lib/prune/mask.js'
import type { PruneOptions } from '../../lib/prune/options.js'
import type { PruneProgress } from '../../lib/prune/progress.js'
import { prune } from '../../lib/prune/prune.js'
import type { Round } from '../../lib/prune/round.js'
import { criteria } from '../../lib/prune/score/index.js'
import { parameterReport } from '../../lib/prune/surgery/neurons.js'
import { tensor } from '../../lib/tensor/from.js'
import { evaluate } from '../../lib/train/evaluate.js'
import { train } from '../../lib/train/train.js'
import { snapshot } from '../nn/bits.js'
import { device } from '../support/device.js'
import { refusal } from '../support/refusal.js'
import { numbers, toyData, toyNetwork } from '../train/toy.js'
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

describe('phases', () => {
  const make = () =>
    network(
      [1, 4, 4],
      { conv: conv2d(1, 4, 3), relu: relu(), flat: flatten(), fc1: linear(16, 8), fc2: linear(8, 3) },
      { seed: 1, device },
    )
  const images = () => {
    using values = tensor(numbers(60 * 16), { shape: [60, 1, 4, 4] })
    using labels = tensor(
      Array.from({ length: 60 }, (_, i) => i % 3),
      { dtype: 'int64' },
    )
    return Dataset.from(values, labels).split(20)
  }

  it('fix the one kind of layer while the other is pruned and retrained', async () => {
    using net = make()
    net.freeze('fc2')
    const before = snapshot(net)
    const criterion = criteria.magnitude().density(0.5)
    const retrain = { epochs: 1, optimizer }
    await prune(net, images(), { criterion, phases: ['fc'], retrain })
    const between = snapshot(net)
    expect(between['conv.weight']).to.deep.equal(before['conv.weight'])
    expect(between['conv.bias']).to.deep.equal(before['conv.bias'])
    expect(between['fc1.weight']).to.not.deep.equal(before['fc1.weight'])
    expect(net.mask('conv')).to.equal(undefined)
    expect(net.frozen, "the user's stay frozen, and no others").to.deep.equal(['fc2'])
    await prune(net, images(), { criterion, phases: ['conv'], retrain })
    const after = snapshot(net)
    expect(after['conv.weight']).to.not.deep.equal(before['conv.weight'])
    for (const name of ['fc1.weight', 'fc1.bias', 'fc2.bias'])
      expect(after[name]).to.deep.equal(between[name])
    expect(net.frozen).to.deep.equal(['fc2'])
    expect((await keptWeights(net)).map(({ kept }) => kept)).to.deep.equal([18, 64, 12])
  })

  const withBatchNorm = () =>
    network(
      [1, 4, 4],
      {
        conv1: conv2d(1, 4, 3),
        bn: batchNorm2d(4),
        relu: relu(),
        drop1: dropout(0.2),
        conv2: conv2d(4, 4, 1),
        flat: flatten(),
        drop2: dropout(0.4),
        fc: linear(16, 3),
      },
      { seed: 1, device },
    )

  it('alternate by themselves: statistics, rates of dropout and of learning as each phase has them', async () => {
    using net = withBatchNorm()
    const first = snapshot(net)
    const seen: string[] = []
    const states: ReturnType<typeof snapshot>[] = []
    await prune(net, images(), {
      criterion: criteria.magnitude().density(0.25),
      phases: 'alternate',
      retrain: { epochs: 1, optimizer: sgd({ lr: 0.05, momentum: 0.9 }) },
      onEpoch({ phase, lr }) {
        expect(lr).to.equal(0.05)
        const rates = [net.dropout('drop1'), net.dropout('drop2')].map((rate) => rate.toFixed(3))
        seen.push([phase, ...rates, ...net.frozen].join(' '))
        states.push(snapshot(net))
      },
    })
    expect(seen).to.deep.equal(['fc 0.200 0.200 conv1 bn conv2', 'conv 0.100 0.200 fc'])
    const [fc, conv] = states as [ReturnType<typeof snapshot>, ReturnType<typeof snapshot>]
    const unlike = (one: typeof fc, other: typeof fc) =>
      Object.keys(one).filter((name) => JSON.stringify(one[name]) !== JSON.stringify(other[name]))
    expect(unlike(first, fc), 'batch statistics are fixed, too').to.deep.equal(['fc.weight', 'fc.bias'])
    expect(unlike(fc, conv)).to.include.members([
      'conv1.weight',
      'bn.weight',
      'bn.running_mean',
      'conv2.weight',
    ])
    expect(unlike(fc, conv)).to.not.include.members(['fc.weight'])
    expect(net.frozen).to.deep.equal([])
  })

  it('are one for all where a network has one kind of layer, and are refused where they have nothing to do', async () => {
    using net = toyNetwork()
    const seen: string[] = []
    await prune(net, data(), {
      criterion: criteria.magnitude().density(0.5),
      phases: 'alternate',
      retrain: { epochs: 1, optimizer },
      onEpoch: ({ phase }) => void seen.push(phase),
    })
    expect(seen).to.deep.equal(['all'])
    const start = (phases: ('conv' | 'fc')[]) => () =>
      prune(net, data(), {
        criterion: criteria.magnitude().density(0.5),
        phases,
        retrain: { epochs: 1, optimizer },
      })
    expect(refusal(start(['conv'])).message).to.match(/^phase 'conv' has nothing to train .*: use all, fc$/)
    expect(refusal(start([])).message).to.equal('phases needs one phase or more')
  })

  it('take no gradient further back than the first layer that trains', async () => {
    using net = withBatchNorm()
    net.freeze('conv1', 'bn', 'conv2')
    using batch = tensor(numbers(32), { shape: [2, 1, 4, 4], device })
    net.forward(batch).sum().backward()
    for (const name of ['conv1.weight', 'bn.weight', 'conv2.bias'] as const) {
      using parameter = net.tensor(name)
      expect(parameter.requiresGrad, name).to.equal(false)
      expect(parameter.grad, name).to.equal(undefined)
    }
    using trained = net.tensor('fc.weight')
    expect(trained.grad).to.not.equal(undefined)
    net.freeze('fc')
    expect(net.forward(batch).requiresGrad, 'nothing is left to go back through').to.equal(false)
  })

  it('take turns in a round', async () => {
    using net = make()
    const seen: string[] = []
    const note = ({ round, phase, epoch }: PruneProgress) => {
      const each = `${round} ${phase} ${epoch}`
      if (seen.at(-1) !== each) seen.push(each)
    }
    const retrain = { epochs: 2, optimizer }
    await prune(net, images(), {
      criterion: criteria.magnitude().density(0.5),
      rounds: 2,
      phases: ['fc', 'conv'],
      retrain,
      onProgress: note,
    })
    expect(seen).to.deep.equal([
      '1 fc 1',
      '1 fc 2',
      '1 conv 1',
      '1 conv 2',
      '2 fc 1',
      '2 fc 2',
      '2 conv 1',
      '2 conv 2',
    ])
    expect((await keptWeights(net)).map(({ density }) => density)).to.deep.equal([0.5, 0.5, 0.5])
  })
})

describe('dropout by the square-root rule', () => {
  it('falls with the connections of the layer that reads it', async () => {
    using net = network(
      [16],
      {
        drop1: dropout(0.5),
        fc1: linear(16, 8),
        relu: relu(),
        drop2: dropout(0.4),
        fc2: linear(8, 4),
        drop3: dropout(0.3),
      },
      { device },
    )
    await applyCriterion(net, criteria.magnitude().density({ fc1: 0.25, fc2: 0.0625 }))
    const rates = () => [net.dropout('drop1'), net.dropout('drop2'), net.dropout('drop3')]
    adjustDropout(net, await keptWeights(net))
    expect(rates()).to.deep.equal([0.25, 0.1, 0.3])
    adjustDropout(net, await keptWeights(net))
    expect(rates(), 'from the first rate each time').to.deep.equal([0.25, 0.1, 0.3])
  })

  it('is what prune does, unless told otherwise', async () => {
    const run = async (adjust?: boolean | 'off') => {
      using net = toyNetwork()
      await prune(net, data(), {
        criterion: criteria.magnitude().density({ fc2: 0.25 }),
        retrain: { epochs: 1, optimizer },
        ...(adjust === undefined ? {} : { adjustDropout: adjust }),
      })
      return net.dropout('drop')
    }
    expect(await run()).to.equal(0.1)
    expect(await run(false)).to.equal(0.2)
    expect(await run('off')).to.equal(0)
  })
})

describe('parameterReport', () => {
  it('counts surviving weights and the biases of live neurons', async () => {
    using net = network([3], { fc1: linear(3, 4), relu: relu(), fc2: linear(4, 2) }, { device })
    expect(await parameterReport(net)).to.deep.equal({ dense: 26, kept: 26, zeros: 0, compression: 1 })
    // Neuron 0 has both sides, 1 no way in, 2 no way out, 3 both. Output 1 has no way in.
    using first = tensor([[1, 0, 0], [0, 0, 0], [1, 1, 0], [0, 0, 1]]) // biome-ignore format: a matrix
    using second = tensor([[1, 1, 0, 1], [0, 0, 0, 0]]) // biome-ignore format: a matrix
    await net.setMask('fc1', first)
    await net.setMask('fc2', second)
    const kept = 4 + 3 + 2 + 1
    expect(await parameterReport(net)).to.deep.equal({ dense: 26, kept, zeros: 0, compression: 26 / kept })
  })

  it('follows channels through flatten and groups', async () => {
    using net = network(
      [2, 2, 2],
      { conv: conv2d(2, 4, 1, { groups: 2 }), flat: flatten(), fc: linear(16, 2, { bias: false }) },
      { device },
    )
    // Of the four pixels of channel 1 one is read; channel 2 is not read; channel 3 has no way in.
    using first = tensor([1, 1, 1, 0])
    using rows = tensor(
      Array.from({ length: 2 }, (_, row) =>
        Array.from({ length: 16 }, (_, i) => (i < 4 || i >= 12 || (row === 1 && i === 6) ? 1 : 0)),
      ),
    )
    await net.setMask('conv', first.reshape([4, 1, 1, 1]))
    await net.setMask('fc', rows)
    expect(await parameterReport(net)).to.include({ dense: 4 + 4 + 32, kept: 3 + 2 + (8 + 9) })
  })

  it('counts a channel as live when a local response normalisation shows it to its neighbour', async () => {
    using net = network(
      [1, 1, 1],
      {
        conv: conv2d(1, 4, 1),
        norm: localResponseNorm(3),
        flat: flatten(),
        fc: linear(4, 1, { bias: false }),
      },
      { device },
    )
    using first = tensor([[1, 0, 0, 0]])
    await net.setMask('fc', first)
    expect(await parameterReport(net)).to.include({ dense: 4 + 4 + 4, kept: 4 + 2 + 1 })
  })
})
