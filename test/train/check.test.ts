import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Dataset } from '../../lib/data/dataset.js'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { sgd } from '../../lib/optim/spec.js'
import { prune } from '../../lib/prune/prune.js'
import { criteria } from '../../lib/prune/score/index.js'
import { sensitivity } from '../../lib/studies/sensitivity.js'
import { noGrad } from '../../lib/tensor/autograd.js'
import { ones, zeros } from '../../lib/tensor/factories.js'
import { tensor } from '../../lib/tensor/from.js'
import { evaluate, measure, predict } from '../../lib/train/evaluate.js'
import { checkValues } from '../../lib/train/numbers.js'
import type { TrainOptions } from '../../lib/train/options.js'
import { train } from '../../lib/train/train.js'
import { snapshot } from '../nn/bits.js'
import { laterRefusal, refusal } from '../support/refusal.js'
import { numbers, toyData, toyNetwork } from './toy.js'

const options = { epochs: 1, optimizer: sgd({ lr: 0.1 }), batchSize: 16 }
const splits = () => toyData(96).split(32)

/** The toy's samples, some of them spoilt. */
function spoilt(values: readonly [at: number, value: number][]): Dataset {
  const points = numbers(96 * 6)
  for (const [at, value] of values) points[at] = value
  using images = tensor(points, { shape: [96, 6] })
  using labels = tensor(
    Array.from({ length: 96 }, (_, i) => i % 3),
    { dtype: 'int64' },
  )
  return Dataset.from(images, labels)
}

function spoil(net: AnyNetwork, value: number): void {
  using weight = net.tensor('fc1.weight')
  noGrad(() => void weight.view([-1]).slice(0, 0, 3).fill_(value))
}

describe('NaN and infinite weights', () => {
  for (const [value, says] of [
    [Number.NaN, '3 NaN'],
    [Number.POSITIVE_INFINITY, '3 infinite values'],
    [Number.NEGATIVE_INFINITY, '3 infinite values'],
  ] as const) {
    it(`are refused by name and count before anything moves: ${value}`, async () => {
      using net = toyNetwork()
      spoil(net as AnyNetwork, value)
      const before = snapshot(net)
      const criterion = criteria.magnitude().density({ fc1: 0.5 })
      const ways: Record<string, () => PromiseLike<unknown>> = {
        train: () => train(net, toyData(), options),
        prune: () => prune(net, splits(), { criterion, retrain: options }),
        sensitivity: () => sensitivity(net, toyData()),
      }
      for (const [what, work] of Object.entries(ways)) {
        const error = await laterRefusal(work())
        expect(error.code, what).to.equal('ERR_ARGUMENT')
        expect(error.message, what).to.equal(
          `the network's fc1.weight holds ${says} of 96 values: load or make its weights again`,
        )
      }
      expect(snapshot(net)).to.deep.equal(before)
      expect(net.mask('fc1')).to.equal(undefined)
    })
  }

  it('are named by evaluate and predict, and never count as right answers', async () => {
    using net = toyNetwork()
    using bias = net.tensor('fc2.bias')
    noGrad(() => void bias.fill_(Number.NaN))
    for (const work of [evaluate, predict]) {
      expect((await laterRefusal(work(net, toyData()))).message).to.match(
        /^the network's fc2.bias holds 3 NaN of 3 values/,
      )
    }
    expect(await measure(net, toyData())).to.include({ top1Error: 100, top5Error: 100 })
  })
})

describe('NaN and infinite samples', () => {
  const bad = () =>
    spoilt([
      [45, Number.NaN],
      [50, Number.POSITIVE_INFINITY],
    ])
  const says = (name: string) =>
    `${name} holds 1 NaN and 1 infinite value, the first in sample 7: replace them, or leave such samples out`

  it('are refused before training and pruning, wherever they are', async () => {
    using net = toyNetwork()
    const before = snapshot(net)
    const good = toyData()
    const criterion = criteria.magnitude().density(0.5)
    const ways: [string, () => PromiseLike<unknown>][] = [
      ['the training set', () => train(net, bad(), options)],
      ['the validation set', () => train(net, good, { ...options, validation: bad() })],
      [
        'the training set',
        () => prune(net, { train: bad(), validation: good }, { criterion, retrain: options }),
      ],
      [
        'the validation set',
        () => prune(net, { train: good, validation: bad() }, { criterion, retrain: options }),
      ],
      ['the dataset', () => evaluate(net, bad())],
      ['the dataset', () => sensitivity(net, bad())],
    ]
    for (const [name, work] of ways) expect((await laterRefusal(work())).message).to.equal(says(name))
    expect(snapshot(net)).to.deep.equal(before)
  })

  it('are not mistaken for large ones', async () => {
    using net = toyNetwork()
    // With weights of one, so that they overflow on every processor. Their sum is infinite in float32.
    using first = ones([16, 6])
    using second = ones([3, 16])
    await net.put([
      ['fc1.weight', first],
      ['fc2.weight', second],
    ])
    using large = zeros([2, 6]).add_(3e38)
    using labels = tensor([0, 1], { dtype: 'int64' })
    const dataset = Dataset.from(large, labels)
    await checkValues(dataset, 'the dataset')
    const error = await laterRefusal(evaluate(net, dataset))
    expect(error.message).to.match(/too large for float32, though its weights and samples are numbers/)
  })
})

describe('a teacher', () => {
  const teach = (teacher: TrainOptions['distillation']) => ({ ...options, distillation: teacher })

  it('with other classes or samples is refused at once', () => {
    using net = toyNetwork()
    const start = (shape: number[]) => () => train(net, toyData(), teach({ teacher: zeros(shape) }))
    expect(refusal(start([96, 4])).message).to.match(
      /^the teacher says \[4\] of each sample, the network \[3\]/,
    )
    expect(refusal(start([95, 3])).message).to.match(
      /^a teacher's outputs must be those for the 96 samples of this dataset, got \[95, 3\]/,
    )
    const weight = () => train(net, toyData(), teach({ teacher: net as AnyNetwork, weight: 2 }))
    expect(refusal(weight).message).to.equal('train: distillation.weight must be in 0..1, got 2')
  })

  it('whose logits or weights are no numbers is refused before the first step', async () => {
    using net = toyNetwork()
    const before = snapshot(net)
    using logits = zeros([96, 3])
    noGrad(() => void logits.view([-1]).slice(0, 10, 12).fill_(Number.NaN))
    const said = await laterRefusal(train(net, toyData(), teach({ teacher: logits })))
    expect(said.message).to.match(/^the teacher's logits hold 2 NaN, the first for sample 3/)
    using teacher = toyNetwork(1)
    spoil(teacher as AnyNetwork, Number.NaN)
    const named = await laterRefusal(train(net, toyData(), teach({ teacher: teacher as AnyNetwork })))
    expect(named.message).to.match(/^the teacher's fc1.weight holds 3 NaN of 96 values/)
    expect(snapshot(net)).to.deep.equal(before)
  })
})

describe('places', () => {
  it('that cannot be written are refused before the first step, and probing leaves nothing', async () => {
    using net = toyNetwork()
    const before = snapshot(net)
    const folder = mkdtempSync(join(tmpdir(), 'torch-prune-places-'))
    try {
      const start = (path: string) => train(net, toyData(), { ...options, checkpoint: { path } })
      expect((await laterRefusal(start('/nowhere/c.safetensors'))).code).to.equal('ERR_OUTPUT')
      expect((await laterRefusal(start(folder))).message).to.match(/is a folder; give the name of a file$/)
      expect(snapshot(net)).to.deep.equal(before)
      const none = {
        criterion: criteria.magnitude().density(0.5),
        retrain: options,
        checkpoint: { path: folder },
      }
      expect((await laterRefusal(prune(net, splits(), none))).code).to.equal('ERR_OUTPUT')
      expect(net.mask('fc1')).to.equal(undefined)
      expect(readdirSync(folder)).to.deep.equal([])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('settings that would fail late', () => {
  const wrong: [RegExp, object][] = [
    [/loss\.labelSmoothing must be in 0\.\.1, got 2$/, { loss: { kind: 'crossEntropy', labelSmoothing: 2 } }],
    [/averaging must be what ema\(\) or swa\(\) returns, got 'ema'$/, { averaging: 'ema' }],
    [
      /schedule must be what constant\(\), cosine\(\) or step\(10\) returns, got 'cosine'$/,
      { schedule: 'cosine' },
    ],
    [/autocast must be 'bfloat16', 'float16' or 'none', got 'float8'$/, { autocast: 'float8' }],
    [/augment: unknown option 'flips': did you mean flip\?$/, { augment: { flips: true } }],
    [/^augment is for images/, { augment: { flip: true } }],
  ]
  for (const [says, more] of wrong) {
    it(`are refused by train and prune at once: ${says.source}`, () => {
      using net = toyNetwork()
      const settings = { ...options, ...more } as TrainOptions
      expect(refusal(() => train(net, toyData(), settings)).message).to.match(says)
      const criterion = criteria.magnitude().global(0.5)
      expect(refusal(() => prune(net, splits(), { criterion, retrain: settings })).message).to.match(says)
    })
  }

  it('are validation splits instead of their validation part', () => {
    using net = toyNetwork()
    const validation = splits() as unknown as Dataset
    expect(refusal(() => train(net, toyData(), { ...options, validation })).message).to.equal(
      'train: validation must be a Dataset, got the parts of one: give one of them, such as its train',
    )
  })
})
