import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Dataset } from '../../lib/data/dataset.js'
import type { Network } from '../../lib/nn/network.js'
import { Optimizer } from '../../lib/optim/optimizer.js'
import { applyCriterion, keptWeights } from '../../lib/prune/mask.js'
import { prune } from '../../lib/prune/prune.js'
import { criteria } from '../../lib/prune/score/index.js'
import { splice, spliceOnce } from '../../lib/prune/splicing.js'
import { parameterReport } from '../../lib/prune/surgery/neurons.js'
import { removeDeadNeurons } from '../../lib/prune/surgery/shrink.js'
import { sensitivity } from '../../lib/studies/sensitivity.js'
import { ones, zeros } from '../../lib/tensor/factories.js'
import { tensor } from '../../lib/tensor/from.js'
import { evaluate, predict } from '../../lib/train/evaluate.js'
import { train } from '../../lib/train/train.js'
import { device } from '../support/device.js'
import { laterRefusal } from '../support/refusal.js'
import { microtasks, numbers, toyData, toyNetwork } from './toy.js'
import { optimizer } from './toy_training.js'

const options = { epochs: 3, optimizer, batchSize: 32 }
const criterion = criteria.magnitude().density(0.5)

type Toy = ReturnType<typeof toyNetwork>

/** What must be refused while somebody else owns a network. */
function changes(net: Toy, data: Dataset): Record<string, () => unknown> {
  const keep = () => ones([16, 6], { device })
  const own = Optimizer.of(net, optimizer)
  const weight = net.tensor('fc1.weight')
  return {
    train: () => train(net, data, options),
    prune: () => prune(net, { train: data, validation: data }, { criterion, retrain: options }),
    splice: () => splice(net, { train: data, validation: data }, { ...options, criterion }),
    sensitivity: () => sensitivity(net, data),
    applyCriterion: () => applyCriterion(net, criterion),
    spliceOnce: () => spliceOnce(net, criterion),
    removeDeadNeurons: () => removeDeadNeurons(net as unknown as Network),
    setMask: () => net.setMask('fc1', keep()),
    seal: () => net.seal(),
    'network.splice': () => net.splice('fc1'),
    freeze: () => net.freeze('fc1'),
    unfreeze: () => net.unfreeze('fc1'),
    setDropout: () => net.setDropout('drop', 0),
    reseed: () => net.reseed(1),
    to: () => net.to(device),
    setMemoryFormat: () => net.setMemoryFormat('channelsLast'),
    put: () => net.put([['fc1.weight', zeros([16, 6])]]),
    dispose: () => net.dispose(),
    'forward in training': () => net.forward(zeros([2, 6], { device }), { training: true }),
    'a write to a weight': () => weight.detach().zero_(),
    'a gradient': () => {
      weight.grad = zeros([16, 6], { device })
    },
    'a step of an optimizer': () => own.step(),
  }
}

async function refusesChanges(net: Toy, data: Dataset, by: string): Promise<void> {
  for (const [what, change] of Object.entries(changes(net, data))) {
    const error = await laterRefusal((async () => change())())
    expect(error.code, what).to.equal('ERR_BUSY')
    expect(error.message, what).to.include(`in use by ${by}: await it, or abort it, first`)
  }
}

describe('between the events of a training', () => {
  it('its network may be read', async () => {
    using net = toyNetwork()
    const data = toyData()
    const folder = await mkdtemp(join(tmpdir(), 'torch-prune-lease-'))
    try {
      for await (const _ of train(net, data, options)) {
        using sample = zeros([2, 6], { device })
        net.forward(sample).dispose()
        using weight = net.tensor('fc1.weight')
        weight.sum().dispose()
        expect(net.mask('fc1')).to.equal(undefined)
        await evaluate(net, data)
        ;(await predict(net, data)).dispose()
        await keptWeights(net)
        await parameterReport(net)
        await net.assertSealed()
        await net.save(join(folder, 'net.safetensors'))
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('its network may not be changed, and nothing of that is half done', async () => {
    using plain = toyNetwork()
    const data = toyData()
    await train(plain, data, options)
    using net = toyNetwork()
    for await (const _ of train(net, data, options)) await refusesChanges(net, data, 'train()')
    for (const name of plain.tensorNames()) {
      expect(net.tensor(name).toArray(), name).to.deep.equal(plain.tensor(name).toArray())
    }
    expect(net.frozen).to.deep.equal([])
  })

  it('waits for those who still read it', async () => {
    using plain = toyNetwork()
    using net = toyNetwork()
    const data = toyData()
    const checked: number[] = []
    for await (const _ of train(plain, data, options)) checked.push((await evaluate(plain, data)).loss)
    const readings: Promise<{ loss: number }>[] = []
    for await (const _ of train(net, data, options)) readings.push(evaluate(net, data, { batchSize: 1 }))
    const losses = (await Promise.all(readings)).map(({ loss }) => loss)
    for (const [i, loss] of losses.entries()) expect(loss).to.be.closeTo(checked[i]!, 1e-6)
  })

  it('nobody may write to its data, nor dispose of it, and others may read it', async () => {
    using net = toyNetwork()
    using other = toyNetwork(1)
    using images = tensor(numbers(96 * 6), { shape: [96, 6] })
    using labels = zeros([96], { dtype: 'int64' })
    const data = Dataset.from(images, labels)
    using teacher = zeros([96, 3])
    for await (const _ of train(net, data, { ...options, distillation: { teacher } })) {
      const attempts = {
        images: () => images.zero_(),
        'a view of them': () => images.select(0, 1).add_(1),
        teacher: () => teacher.fill_(1),
        dispose: () => data.dispose(),
      }
      for (const [what, attempt] of Object.entries(attempts)) {
        const error = await laterRefusal((async () => attempt())())
        expect(error.code, what).to.equal('ERR_BUSY')
        expect(error.message, what).to.match(/ in use by train\(\): await it, or abort it, first$/)
      }
      images.sum().dispose()
      await train(other, data, { ...options, epochs: 1 })
    }
    images.zero_()
    teacher.zero_()
    data.dispose()
  })

  it("it goes on where its teacher's handle was disposed of", async () => {
    using net = toyNetwork()
    const teacher = zeros([96, 3])
    for await (const _ of train(net, toyData(), { ...options, distillation: { teacher } })) teacher.dispose()
  })
})

describe('a network is owned', () => {
  it('by the first of two trainings that start at once', async () => {
    using net = toyNetwork()
    const data = toyData()
    const first = train(net, data, options)
    const error = await laterRefusal(train(net, data, options))
    expect(error.message).to.equal('the network is in use by train(): await it, or abort it, first')
    expect((await first).epochs).to.have.lengthOf(3)
    await train(net, data, options)
  })

  it('between its events, also where nobody follows them', async () => {
    using net = toyNetwork()
    const data = toyData()
    const job = train(net, data, options)
    const answers: string[] = []
    const asking = (async () => {
      while (answers.at(-1) !== 'read') {
        await new Promise(setImmediate)
        answers.push(
          await evaluate(net, data).then(
            () => 'read',
            (error: { code: string }) => error.code,
          ),
        )
      }
    })()
    await job
    await asking
    expect(new Set(answers.slice(0, -1))).to.deep.equal(new Set(answers.length > 1 ? ['ERR_BUSY'] : []))
  })

  it('through all rounds of pruning, and may be read by those who are called back', async () => {
    using net = toyNetwork()
    const data = toyData()
    const splits = { train: data, validation: data }
    const calls: string[] = []
    const retrain = { ...options, epochs: 1 }
    const job = prune(net, splits, {
      criterion,
      rounds: 2,
      retrain,
      onPruned: async () => {
        calls.push('pruned')
        await evaluate(net, data)
        await refusesChanges(net, data, 'prune()')
      },
      onEpoch: async () => {
        calls.push('epoch')
        await evaluate(net, data)
        await refusesChanges(net, data, 'prune()')
      },
    })
    for await (const { round } of job) {
      calls.push(`round ${round}`)
      await evaluate(net, data)
      await refusesChanges(net, data, 'prune()')
    }
    expect(calls).to.deep.equal(['pruned', 'epoch', 'round 1', 'pruned', 'epoch', 'round 2'])
    await applyCriterion(net, criteria.magnitude().density(0.4))
  })

  it('while it is spliced', async () => {
    using net = toyNetwork()
    const data = toyData()
    const job = splice(net, { train: data, validation: data }, { ...options, criterion })
    for await (const _ of job) {
      await evaluate(net, data)
      await refusesChanges(net, data, 'splice()')
    }
    await net.assertSealed()
  })

  it('no longer than the job lasts, however it ends', async () => {
    using net = toyNetwork()
    const data = toyData()
    for await (const _ of train(net, data, options)) break
    await train(net, data, { ...options, signal: AbortSignal.abort() }).catch(() => {})
    const controller = new AbortController()
    const aborted = train(net, data, { ...options, epochs: 1e6, signal: controller.signal })
    await microtasks()
    controller.abort()
    await aborted.catch(() => {})
    const foreign = Dataset.from(zeros([4, 6]), ones([4], { dtype: 'int64' }).mul(9))
    expect(() => train(net, foreign, options)).to.throw('label 9')
    const tiny = criteria.magnitude().density({ fc2: 1e-9 })
    await laterRefusal(prune(net, { train: data, validation: data }, { criterion: tiny, retrain: options }))
    net.setDropout('drop', 0.1)
    await applyCriterion(net, criterion)
  })
})
