import { expect } from 'chai'
import { Dataset } from '../../lib/data/dataset.js'
import { batchNorm2d, conv2d, dropout, flatten, linear, relu } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { sgd } from '../../lib/optim/spec.js'
import { keptWeights } from '../../lib/prune/mask.js'
import type { PruneProgress } from '../../lib/prune/progress.js'
import { prune } from '../../lib/prune/prune.js'
import { criteria } from '../../lib/prune/score/index.js'
import { tensor } from '../../lib/tensor/from.js'
import { snapshot } from '../nn/bits.js'
import { device } from '../support/device.js'
import { refusal } from '../support/refusal.js'
import { numbers, toyData, toyNetwork } from '../train/toy.js'

const optimizer = sgd({ lr: 0.1, momentum: 0.9 })
const data = () => toyData(256).split(64)

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
