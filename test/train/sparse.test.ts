import { expect } from 'chai'
import { Dataset } from '../../lib/data/dataset.js'
import { readSafetensorsHeader } from '../../lib/formats/safetensors.js'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { conv2d, dropout, flatten, linear, relu } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { ema } from '../../lib/optim/averaging.js'
import { l1, l2 } from '../../lib/optim/regularization.js'
import { adam, adamw, sgd } from '../../lib/optim/spec.js'
import { applyCriterion } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import { splice } from '../../lib/prune/splicing.js'
import { tensor } from '../../lib/tensor/from.js'
import { scope } from '../../lib/tensor/scope.js'
import { losses } from '../../lib/train/losses.js'
import type { TrainOptions } from '../../lib/train/options.js'
import { train } from '../../lib/train/train.js'
import { Trainer } from '../../lib/train/trainer.js'
import { expectSealed } from '../prune/sealed.js'
import { freshFolder } from '../support/folder.js'
import { refusal, refusedWith } from '../support/refusal.js'
import { numbers } from './toy.js'

const box = freshFolder()

/** Three layers: gradients of the second one's input go through it to the first. */
function make(inputs: number, hidden: number, classes: number, bias = true) {
  const layers = {
    fc1: linear(inputs, hidden, { bias }),
    relu1: relu(),
    drop: dropout(0.2),
    fc2: linear(hidden, hidden, { bias }),
    relu2: relu(),
    fc3: linear(hidden, classes, { bias }),
  }
  return network([inputs], layers, { seed: 2 })
}

/** Keeps a fifth of the weights, and none of some rows and columns. */
async function prune(net: AnyNetwork): Promise<void> {
  for (const [i, layer] of net.prunable.entries()) {
    const [rows, columns] = net.tensor(`${layer}.weight`).shape as [number, number]
    const draws = numbers(rows * columns, 7 + i)
    const keep = Array.from(draws, (draw, at) => {
      const [row, column] = [Math.floor(at / columns), at % columns]
      return Number(draw < -0.6 && row % 5 !== 3 && column % 7 !== 2)
    })
    using mask = tensor(keep, { shape: [rows, columns] })
    await net.setMask(layer, mask)
  }
}

function noise(count: number, inputs: number, classes: number): Dataset {
  using samples = tensor(numbers(count * inputs, 3), { shape: [count, inputs] })
  using labels = tensor(
    Array.from({ length: count }, (_, i) => (i * 7) % classes),
    { dtype: 'int64' },
  )
  return Dataset.from(samples, labels)
}

type Values = ReadonlyMap<string, Float32Array>
const valuesOf = (net: AnyNetwork): Values =>
  new Map(
    net.tensorNames().map((name) => [name, scope(() => net.tensor(name).detach().data() as Float32Array)]),
  )

/** The largest difference, as a share of the largest number among those of `wanted`. */
function apart(found: Float32Array, wanted: Float32Array): number {
  const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-12)
  return found.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted[i]!)), 0) / largest
}

/** Trains one network with all weights, and one with those that are kept. */
async function both(
  net: () => AnyNetwork,
  dataset: Dataset,
  options: TrainOptions,
): Promise<{ before: Values; dense: Values; sparse: Values; layers: readonly string[] }> {
  const trained = async (sparse: 'off' | 'on') => {
    using made = net()
    await prune(made)
    const before = valuesOf(made)
    const { epochs } = await train(made, dataset, { ...options, sparse })
    await expectSealed(made)
    return { before, after: valuesOf(made), layers: epochs.at(-1)!.sparse ?? [] }
  }
  const [dense, sparse] = [await trained('off'), await trained('on')]
  expect(dense.layers).to.deep.equal([])
  return { before: dense.before, dense: dense.after, sparse: sparse.after, layers: sparse.layers }
}

const LAYERS = ['fc1', 'fc2', 'fc3']

describe('training with the kept weights alone', () => {
  for (const [inputs, hidden, classes] of [
    [37, 29, 11],
    [5, 3, 2],
    [300, 64, 10],
  ] as const) {
    for (const batch of [1, 2, 7, 8, 9, 16, 17, 33, 48, 64, 65, 70, 130]) {
      const title = `has the gradients of all weights, masked: ${inputs}-${hidden}-${classes}, batches of ${batch}`
      it(title, async () => {
        using dataset = noise(batch, inputs, classes)
        const once = { epochs: 1, batchSize: batch, optimizer: sgd({ lr: 1 }) }
        const net = () => make(inputs, hidden, classes, batch % 2 === 0)
        const { before, dense, sparse, layers } = await both(net, dataset, once)
        expect(layers).to.deep.equal(LAYERS)
        for (const [name, values] of before) {
          const steps = [sparse, dense].map((after) => after.get(name)!.map((value, i) => value - values[i]!))
          expect(apart(steps[0]!, steps[1]!), name).to.be.below(2e-5)
        }
      })
    }
  }

  const momentum = sgd({ lr: 0.02, momentum: 0.9, weightDecay: 1e-3 })
  for (const [what, options] of Object.entries({
    'momentum and weight decay': {},
    'Nesterov, looped': { optimizer: sgd({ lr: 0.02, momentum: 0.9, nesterov: true, fused: false }) },
    'a part of the last batch': { batchSize: 48 },
    'batches that are gathered': { accumulate: 3, batchSize: 24 },
    'l1 regularization': { regularization: l1(1e-4) },
    'l2 regularization': { regularization: l2(1e-3) },
    'clipped gradients': { clipGradients: { norm: 0.5, value: 0.1 } },
    'rates by layer': { lrScale: { fc1: 0.1, fc2: 0 } },
    Adam: { optimizer: adam({ lr: 1e-3 }), epochs: 5 },
    'AdamW with amsgrad': { optimizer: adamw({ lr: 1e-3, amsgrad: true, weightDecay: 0.1 }), epochs: 5 },
  } satisfies Record<string, Partial<TrainOptions>>)) {
    it(`ends with the same weights: ${what}`, async () => {
      using dataset = noise(320, 64, 10)
      const options_ = { epochs: 40, batchSize: 64, optimizer: momentum, ...options }
      const { dense, sparse, layers } = await both(() => make(64, 48, 10), dataset, options_)
      expect(layers).to.deep.equal(LAYERS)
      for (const [name, values] of dense) expect(apart(sparse.get(name)!, values), name).to.be.below(1e-5)
    })
  }

  it('gives the same bits again, and wherever it pauses between epochs', async () => {
    using dataset = noise(100, 20, 5)
    const run = async (epochs: number) => {
      using net = make(20, 16, 5)
      await prune(net)
      const seen: Values[] = []
      const job = train(net, dataset, { epochs, batchSize: 32, optimizer: momentum, sparse: 'on' })
      for await (const { sparse } of job) {
        expect(sparse).to.deep.equal(LAYERS)
        await expectSealed(net)
        seen.push(valuesOf(net))
      }
      return seen
    }
    const [three, two] = [await run(3), await run(2)]
    expect(three.slice(0, 2)).to.deep.equal(two)
    expect(three[2]).to.not.deep.equal(two[1])
  })

  it('takes the linear layers that are pruned, and leaves frozen ones and others as they are', async () => {
    const layers = {
      conv: conv2d(1, 2, 3),
      flatten: flatten(),
      fc1: linear(32, 8),
      fc2: linear(8, 8),
      fc3: linear(8, 8),
      fc4: linear(8, 3),
    }
    using net = network([1, 6, 6], layers, { seed: 1 })
    using dataset = noise(12, 36, 3).map(
      ({ images, labels }) => ({ images: images.reshape([-1, 1, 6, 6]), labels }),
      {
        sampleShape: [1, 6, 6],
      },
    )
    await applyCriterion(net, criteria.magnitude().density({ conv: 0.5, fc1: 0.5, fc2: 0.5, fc4: 0.5 }))
    net.freeze('fc2')
    const [frozen, dense] = [valuesOf(net).get('fc2.weight')!, valuesOf(net).get('fc3.weight')!]
    const { epochs } = await train(net, dataset, {
      epochs: 1,
      batchSize: 4,
      optimizer: momentum,
      sparse: 'on',
    })
    expect(epochs[0]!.sparse).to.deep.equal(['fc1', 'fc4'])
    await expectSealed(net)
    expect(valuesOf(net).get('fc2.weight')).to.deep.equal(frozen)
    expect(valuesOf(net).get('fc3.weight')).to.not.deep.equal(dense)
  })

  it('measures once which layers are faster, of those that are pruned', async () => {
    using dataset = noise(64, 600, 10)
    const layers = {
      fc1: linear(600, 512),
      relu1: relu(),
      fc2: linear(512, 512),
      relu2: relu(),
      fc3: linear(512, 10),
    }
    using net = network([600], layers, { seed: 1 })
    await applyCriterion(net, criteria.magnitude().density({ fc1: 0.01, fc3: 0.5 }))
    const { epochs } = await train(net, dataset, { epochs: 2, optimizer: momentum, sparse: 'auto' })
    // Which of the two are faster depends on the machine and on what else it does.
    expect(['fc1', 'fc3']).to.include.members([...(epochs[0]!.sparse ?? [])])
    expect(epochs[1]!.sparse).to.deep.equal(epochs[0]!.sparse)
    await expectSealed(net)
  })

  it('goes on from a checkpoint with the layers that it chose, and from none that chose otherwise', async () => {
    using dataset = noise(64, 20, 5)
    const options = { epochs: 2, batchSize: 8, optimizer: momentum, sparse: 'auto' } as const
    using net = make(20, 16, 5)
    await prune(net)
    using chosen = await Trainer.of(net, dataset, options, { sparse: ['fc2'] })
    await chosen.run()
    expect(chosen.state().sparse).to.deep.equal(['fc2'])
    await expectSealed(net)

    const path = box('sparse.safetensors')
    using saving = make(20, 16, 5)
    await prune(saving)
    const { epochs } = await train(saving, dataset, { ...options, checkpoint: { path } })
    const { metadata } = await readSafetensorsHeader(path)
    const stored = Object.values(metadata).flatMap((value) => /"sparse":(\[.*?\])/.exec(value)?.[1] ?? [])
    expect(stored).to.deep.equal([JSON.stringify(epochs[0]!.sparse ?? [])])

    using other = make(20, 16, 5)
    await prune(other)
    const dense = train(other, dataset, { ...options, sparse: 'off', checkpoint: { path } })
    expect(await refusedWith(dense)).to.match(/with sparse: "auto", this one has none/)
  })

  it('leaves all layers dense where their weights are read on the way, or are not float32', async () => {
    using dataset = noise(32, 20, 5)
    for (const options of [
      { averaging: ema(0.9) },
      { autocast: 'bfloat16' },
    ] satisfies Partial<TrainOptions>[]) {
      const { dense, sparse, layers } = await both(() => make(20, 16, 5), dataset, {
        ...{ epochs: 2, batchSize: 8, optimizer: momentum },
        ...options,
      })
      expect(layers).to.deep.equal([])
      expect(sparse).to.deep.equal(dense)
    }
  })

  it('refuses hooks in JavaScript, which would wait for a dense gradient', async () => {
    using dataset = noise(32, 20, 5)
    using net = make(20, 16, 5)
    await prune(net)
    using weight = net.tensor('fc2.weight')
    using _ = weight.registerHook((gradient) => gradient)
    const work = train(net, dataset, { epochs: 1, optimizer: momentum, sparse: 'on' })
    expect(await refusedWith(work, 'ERR_ARGUMENT')).to.match(/hook/)
  })

  it('leaves masks that change alone', async () => {
    using dataset = noise(64, 20, 5)
    using net = make(20, 16, 5)
    const criterion = criteria.magnitude().density({ fc1: 0.5, fc2: 0.5 })
    await splice(
      net,
      { train: dataset, validation: dataset },
      { criterion, epochs: 2, batchSize: 8, optimizer: sgd({ lr: 0.05 }), sparse: 'on' },
    )
    await net.seal()
    await expectSealed(net)
  })

  it('names the layer and the weights where numbers run out, as all weights would', async () => {
    using dataset = noise(64, 20, 5)
    using net = make(20, 16, 5)
    await prune(net)
    const diverging = sgd({ lr: 1e18, momentum: 0.9 })
    const work = train(net, dataset, { epochs: 3, batchSize: 8, optimizer: diverging, sparse: 'on' })
    expect(await refusedWith(work, 'ERR_TORCH')).to.match(/learning rate/)
    await expectSealed(net)
  })

  it('trains on numbers as well, through layers without a bias', async () => {
    using samples = tensor(numbers(40 * 12, 3), { shape: [40, 12] })
    using targets = tensor(numbers(40 * 4, 5), { shape: [40, 4] })
    using dataset = Dataset.from(samples, targets)
    const options = { epochs: 3, batchSize: 16, optimizer: momentum, loss: losses.mse() }
    const { dense, sparse } = await both(() => make(12, 9, 4, false), dataset, options)
    for (const [name, values] of dense) expect(apart(sparse.get(name)!, values), name).to.be.below(1e-5)
  })

  it('is refused by a word that is none', () => {
    using dataset = noise(8, 20, 5)
    using net = make(20, 16, 5)
    const { message } = refusal(() =>
      train(net, dataset, { epochs: 1, optimizer: momentum, sparse: 'yes' as 'on' }),
    )
    expect(message).to.match(/sparse.*off.*on.*auto/)
  })
})
