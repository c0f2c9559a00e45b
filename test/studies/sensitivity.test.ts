import { expect } from 'chai'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { sgd } from '../../lib/optim/spec.js'
import { applyCriterion, keptWeights } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import { type Sensitivity, sensitivity } from '../../lib/studies/sensitivity.js'
import { solveDensities, solveThresholds } from '../../lib/studies/solve.js'
import { train } from '../../lib/train/train.js'
import { snapshot } from '../nn/bits.js'
import { refusal } from '../support/refusal.js'
import { toyData, toyNetwork } from '../train/toy.js'

const data = toyData(96)

describe('sensitivity', () => {
  it('prunes each layer alone to each density, and leaves the network as it was, bit for bit', async () => {
    using net = toyNetwork()
    await train(net, data, { epochs: 5, optimizer: sgd({ lr: 0.1, momentum: 0.9 }), batchSize: 16 })
    await applyCriterion(net, criteria.magnitude().density({ fc1: 0.9 }))
    const before = snapshot(net)
    const points = []
    const job = sensitivity(net, data, { densities: [0.1, 1, 0.5] })
    for await (const point of job) points.push(point)
    expect(points.map(({ layer, density }) => [layer, density])).to.deep.equal([
      ['fc1', 1],
      ['fc1', 0.5],
      ['fc1', 0.1],
      ['fc2', 1],
      ['fc2', 0.5],
      ['fc2', 0.1],
    ])
    const { denseError, layers } = await job
    for (const { points: curve } of layers) expect(curve[0]!.error).to.equal(denseError)
    expect(layers[0]!.points.at(-1)!.error).to.be.greaterThan(denseError)
    expect(snapshot(net)).to.deep.equal(before)
    await net.assertSealed()
  })

  it('takes points that are known as they are', async () => {
    using net = toyNetwork()
    const asked: string[] = []
    const known = (layer: string, density: number) => {
      asked.push(`${layer} ${density}`)
      return layer === 'fc1' ? 12.5 : undefined
    }
    const { layers } = await sensitivity(net, data, { densities: [0.5, 0.1], known })
    expect(asked).to.deep.equal(['fc1 0.5', 'fc1 0.1', 'fc2 0.5', 'fc2 0.1'])
    const plain = await sensitivity(net, data, { densities: [0.5, 0.1] })
    expect(layers[0]!.points.map(({ error }) => error)).to.deep.equal([12.5, 12.5])
    expect(layers[1]).to.deep.equal(plain.layers[1])
  })

  it('refuses a grid outside 0..1 and a layer without connections', () => {
    using net = toyNetwork()
    expect(refusal(() => sensitivity(net, data, { densities: [1.5] })).message).to.match(/1\.5/)
    expect(refusal(() => sensitivity(net, data, { densities: [0] })).message).to.match(/over 0/)
    expect(refusal(() => sensitivity(net as AnyNetwork, data, { layers: ['relu1'] })).message).to.match(
      /'relu1'.*fc1, fc2/,
    )
  })
})

const study: Sensitivity = {
  denseError: 1,
  layers: [
    {
      layer: 'a',
      kind: 'conv',
      weights: 100,
      points: [
        { density: 0.5, error: 3 },
        { density: 0.1, error: 20 },
      ],
    },
    {
      layer: 'b',
      kind: 'fc',
      weights: 1000,
      points: [
        { density: 0.5, error: 1 },
        { density: 0.2, error: 1.5 },
        { density: 0.1, error: 6 },
      ],
    },
  ],
}

describe('thresholds solved from sensitivity', () => {
  it('spends an accuracy budget where it saves most', () => {
    expect(solveDensities(study, { errorIncrease: 0 }).densities).to.deep.equal({ a: 1, b: 0.5 })
    expect(solveDensities(study, { errorIncrease: 0.6 }).densities).to.deep.equal({ a: 1, b: 0.2 })
    const { densities, errorIncrease, weights } = solveDensities(study, { errorIncrease: 2.5 })
    expect(densities).to.deep.equal({ a: 0.5, b: 0.2 })
    expect(errorIncrease).to.equal(2.5)
    expect(weights).to.equal(50 + 200)
  })

  it('meets a budget of weights or bytes with the least error', () => {
    expect(solveDensities(study, { weights: 300 }).densities).to.deep.equal({ a: 1, b: 0.2 })
    const { bytes, densities } = solveDensities(study, { bytes: 1500 })
    expect(densities).to.deep.equal({ a: 1, b: 0.2 })
    expect(bytes).to.equal(400 + Math.ceil((200 * 37) / 8))
  })

  it('says the nearest that can be reached, and guards layers against collapse', () => {
    expect(refusal(() => solveDensities(study, { weights: 5 })).message).to.match(/5 weights.*nearest is 110/)
    expect(refusal(() => solveDensities(study, { weights: 110 }, 0.2)).message).to.match(/nearest is 250/)
    expect(refusal(() => solveDensities(study, { errorIncrease: -1 })).message).to.match(/nearest is 0/)
  })

  it('gives a criterion that prunes to those densities', async () => {
    using net = toyNetwork()
    const found = await sensitivity(net, data, { densities: [0.5, 0.25] })
    const { criterion, densities } = await solveThresholds(net, found, { weights: 72 })
    await applyCriterion(net, criterion)
    for (const { name, density } of await keptWeights(net))
      expect(density).to.be.closeTo(densities[name as 'fc1' | 'fc2'], 1e-9)
  })
})
