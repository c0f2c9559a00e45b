import { expect } from 'chai'
import { loadAddon } from '../../lib/binding/addon.js'
import { Dataset } from '../../lib/data/dataset.js'
import { linear } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { sgd } from '../../lib/optim/spec.js'
import { applyCriterion } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import { zeros } from '../../lib/tensor/factories.js'
import { tensor } from '../../lib/tensor/from.js'
import { evaluate, predict } from '../../lib/train/evaluate.js'
import { train } from '../../lib/train/train.js'
import { device } from '../support/device.js'
import { microtasks, numbers, toyData, toyNetwork } from './toy.js'
import { optimizer } from './toy_training.js'

const options = { epochs: 3, optimizer, batchSize: 32 }
const criterion = criteria.magnitude().density(0.5)

describe('jobs take turns', () => {
  const wide = () => network([256], { fc: linear(256, 2048), out: linear(2048, 4) }, { device })
  const many = (count: number) =>
    Dataset.from(tensor(numbers(count * 256), { shape: [count, 256] }), zeros([count], { dtype: 'int64' }))

  it('so that a prediction ends before an epoch of another network does', async () => {
    using busy = wide()
    using net = toyNetwork()
    let over = false
    const epoch = train(busy, many(2000), { epochs: 1, batchSize: 1, optimizer: sgd({ lr: 1e-6 }) }).then(
      () => {
        over = true
      },
    )
    await microtasks()
    for (let i = 0; i < 3; i++) (await predict(net, toyData(8))).dispose()
    expect(over).to.equal(false)
    await epoch
  })

  it('and compute what they compute alone', async () => {
    const data = toyData(200)
    const jobs = {
      trained: async () => {
        using net = toyNetwork(3)
        await train(net, data, { ...options, batchSize: 2 })
        return net.tensor('fc1.weight').toArray()
      },
      reduced: async () => {
        using net = toyNetwork(4)
        await train(net, data, { ...options, batchSize: 2, autocast: 'bfloat16' })
        return net.tensor('fc2.weight').toArray()
      },
      pruned: async () => {
        using net = toyNetwork(5)
        await applyCriterion(net, criterion)
        await train(net, data, { ...options, batchSize: 2 })
        return net.tensor('fc1.weight').toArray()
      },
      evaluated: async () => {
        using net = toyNetwork(6)
        return (await evaluate(net, data, { batchSize: 1 })).loss
      },
      predicted: async () => {
        using net = toyNetwork(7)
        using logits = await predict(net, data, { batchSize: 1, autocast: 'bfloat16' })
        return logits.toArray()
      },
    }
    const alone: unknown[] = []
    for (const job of Object.values(jobs)) alone.push(await job())
    expect(await Promise.all(Object.values(jobs).map((job) => job()))).to.deep.equal(alone)
  })

  it('two that read one network side by side', async () => {
    using net = toyNetwork()
    const [first, second] = await Promise.all([evaluate(net, toyData()), evaluate(net, toyData())])
    expect(first).to.deep.equal(second)
  })

  it('and one that is cancelled before it begins is over at once', async () => {
    using busy = wide()
    using net = toyNetwork()
    const data = many(4096)
    let over = false
    const long = predict(busy, data, { batchSize: 4096 }).then(() => {
      over = true
    })
    await microtasks()
    const job = loadAddon().evaluationStart(net.handle, toyData(8).handle, { batchSize: 8 })
    job.cancel()
    expect(await job.promise).to.equal(undefined)
    expect(over).to.equal(false)
    await long
    await train(net, toyData(), options)
  })
})
