import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { TorchPruneError } from '../../lib/base/errors.js'
import { Dataset } from '../../lib/data/dataset.js'
import { imageFolder } from '../../lib/data/images.js'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { batchNorm2d, conv2d, dropout, flatten, linear, relu } from '../../lib/nn/layers/index.js'
import { loadNetwork } from '../../lib/nn/load.js'
import { network } from '../../lib/nn/network.js'
import { loadWeights } from '../../lib/nn/weights_file.js'
import { ema, swa } from '../../lib/optim/averaging.js'
import { l2 } from '../../lib/optim/regularization.js'
import { cosine, step } from '../../lib/optim/schedule.js'
import { adamw, sgd } from '../../lib/optim/spec.js'
import { applyCriterion } from '../../lib/prune/mask.js'
import type { PruneOptions } from '../../lib/prune/options.js'
import { prune } from '../../lib/prune/prune.js'
import { criteria } from '../../lib/prune/score/index.js'
import { toBytes } from '../../lib/tensor/bytes.js'
import { tensor } from '../../lib/tensor/from.js'
import { scope } from '../../lib/tensor/scope.js'
import type { Tensor } from '../../lib/tensor/tensor.js'
import { readNote } from '../../lib/train/checkpoint.js'
import { losses } from '../../lib/train/losses.js'
import type { CheckpointOptions } from '../../lib/train/options/checkpoint.js'
import type { TrainOptions } from '../../lib/train/options.js'
import { train } from '../../lib/train/train.js'
import type { Epoch } from '../../lib/train/training.js'
import { writePictures } from '../../scripts/imagenet/pictures.js'
import { device } from '../support/device.js'
import { fullDisk } from '../support/full_disk.js'
import { laterRefusal, refusal, refusedWith } from '../support/refusal.js'
import { numbers } from './toy.js'

const SAMPLES = 44
const BATCH = 8
const STEPS = Math.ceil(SAMPLES / BATCH)
const EPOCHS = 3

/** Noise of three colours, in three classes that each have a bright one. */
function pictures(count: number, seed: number): Dataset {
  const pixels = numbers(count * 3 * 36, seed).map((value, i) => {
    const [sample, channel] = [Math.floor(i / 108), Math.floor(i / 36) % 3]
    return Math.floor(64 * (value + 1) + (sample % 3 === channel ? 100 : 0))
  })
  using images = tensor([...pixels], { dtype: 'uint8', shape: [count, 3, 6, 6] })
  using labels = tensor(
    Array.from({ length: count }, (_, i) => i % 3),
    { dtype: 'int64' },
  )
  return Dataset.from(images, labels, { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] })
}

const dataset = pictures(SAMPLES, 1)
const validation = pictures(12, 2)

function small(seed = 3) {
  const layers = {
    conv: conv2d(3, 4, 3, { bias: false }),
    norm: batchNorm2d(4),
    relu: relu(),
    flatten: flatten(),
    drop: dropout(0.3),
    fc1: linear(64, 12),
    relu1: relu(),
    fc2: linear(12, 3),
  }
  return network([3, 6, 6], layers, { seed, device })
}

const base: TrainOptions = {
  epochs: EPOCHS,
  batchSize: BATCH,
  optimizer: sgd({ lr: 0.05, momentum: 0.9, nesterov: true }),
  schedule: cosine(),
  regularization: l2(1e-3),
  augment: { crop: { padding: 1 }, flip: true, cutout: 2 },
  validation,
  seed: 5,
  // Bits are compared. A captured step rounds its rate to float32, and the first steps of a sitting are never captured.
  capture: false,
}
// Of retraining, which has a seed and the validation part from its pruning.
const { validation: _, seed: __, ...settings } = base

const cases: Record<string, Partial<TrainOptions>> = {
  'SGD with momentum, augmentation and dropout': {},
  'plain loops of AdamW, and smoothed labels': {
    optimizer: adamw({ lr: 0.01, fused: false }),
    loss: losses.crossEntropy({ labelSmoothing: 0.1 }),
  },
  'a moving average of the weights': { averaging: ema(0.8) },
  'stochastic weight averaging': { averaging: swa(0.3) },
  'channels-last, under bfloat16': { memoryFormat: 'channelsLast', autocast: 'bfloat16' },
  'a cache of the frozen prefix': { cachePrefix: true, cacheVariants: 2 },
  'channels-last and bfloat16': { memoryFormat: 'channelsLast', autocast: 'bfloat16' },
}

let box = ''
beforeEach(() => {
  box = mkdtempSync(join(tmpdir(), 'torch-prune-checkpoint-'))
})
afterEach(() => rmSync(box, { recursive: true, force: true }))

function bitsOf(net: AnyNetwork): string {
  return net
    .tensorNames()
    .map((name) => {
      using values = net.tensor(name)
      return `${name} ${Buffer.from(toBytes(values).data).toString('base64')}`
    })
    .join('\n')
}

async function prepared(options: Partial<TrainOptions>) {
  const net = small()
  await applyCriterion(net, criteria.magnitude().density({ conv: 0.6, fc1: 0.3 }))
  if (options.cachePrefix) net.freeze('conv', 'norm')
  return net
}

/** Work that is aborted when its training has been saved `count` times; whether it came to its end. */
async function upTo(
  count: number,
  work: (signal: AbortSignal, checkpoint: CheckpointOptions) => PromiseLike<unknown>,
): Promise<boolean> {
  const controller = new AbortController()
  let saved = 0
  const onSaved = () => {
    if (++saved === count) controller.abort()
  }
  try {
    await work(controller.signal, { path: join(box, 'position.safetensors'), minutes: 0, onSaved })
    return true
  } catch (error) {
    if (error !== controller.signal.reason) throw error
    return false
  }
}

/** A training that is stopped each time it has been saved `every` times, and goes on in another network. */
async function inSittings(every: number, options: TrainOptions) {
  rmSync(join(box, 'position.safetensors'), { force: true })
  const epochs: Epoch[] = []
  for (let sitting = 0; sitting <= EPOCHS * STEPS + 1; sitting++) {
    // What is not in the file is gone with the process.
    const net = await prepared(options)
    const over = await upTo(every, async (signal, checkpoint) => {
      for await (const epoch of train(net, dataset, { ...options, signal, checkpoint })) epochs.push(epoch)
    })
    if (over) return { net, epochs }
    net.dispose()
  }
  return expect.fail('it does not come to its end')
}

/** What is the same however often a training was stopped: all but how fast an epoch was, and how its steps ran. */
const told = ({ seconds: _, samplesPerSecond: __, capture: ___, ...epoch }: Epoch) => epoch

/** How far values of the networks are apart at most, as a share of their tensor's largest. */
function apart(one: AnyNetwork, other: AnyNetwork): number {
  const shares = one.tensorNames().map((name) =>
    scope(() => {
      const [ours, theirs] = [one, other].map((net) => net.tensor(name).detach().float()) as [Tensor, Tensor]
      const largest = theirs.abs().max().item() as number
      return (ours.sub(theirs).abs().max().item() as number) / Math.max(largest, 1e-3)
    }),
  )
  return Math.max(...shares)
}

describe('training that is saved on the way', function () {
  this.timeout(60_000)

  for (const [what, changes] of Object.entries(cases)) {
    it(`ends at the bits of an unbroken one, wherever it was stopped: ${what}`, async () => {
      const options = { ...base, ...changes }
      using unbroken = await prepared(options)
      const whole = await train(unbroken, dataset, options)
      const wanted = bitsOf(unbroken)
      for (let every = 1; every <= EPOCHS * STEPS; every += every < STEPS ? 1 : 3) {
        const { net, epochs } = await inSittings(every, options)
        using _ = net
        expect(bitsOf(net) === wanted, `stopped every ${every} steps`).to.equal(true)
        await net.assertSealed()
        expect(epochs.map(told)).to.deep.equal(whole.epochs.map(told))
      }
    })
  }

  it('ends within rounding of an unbroken one where a GPU captures steps', async () => {
    const options = { ...base, capture: true }
    using unbroken = await prepared(options)
    const whole = await train(unbroken, dataset, options)
    if (device !== 'cpu') expect(whole.epochs.at(-1)!.capture?.steps).to.be.above(0)
    for (const every of [1, STEPS - 1, 2 * STEPS]) {
      const { net, epochs } = await inSittings(every, options)
      using _ = net
      expect(apart(net, unbroken), `stopped every ${every} steps`).to.be.at.most(1e-5)
      await net.assertSealed()
      for (const [i, { loss }] of epochs.entries()) expect(loss).to.be.closeTo(whole.epochs[i]!.loss, 1e-5)
    }
  })

  it('goes on among images that are read ahead', async () => {
    await writePictures(box, { classes: 3, train: 6, held: 1, side: 24 })
    const { train: images } = await imageFolder(box, { size: 6, resize: 8, validation: 3 })
    const options = { ...base, augment: { resizedCrop: true, flip: true } as const }
    using unbroken = await prepared(options)
    await train(unbroken, images, options)
    for (let over = false; !over; ) {
      using net = await prepared(options)
      over = await upTo(1, (signal, checkpoint) => train(net, images, { ...options, signal, checkpoint }))
      if (over) expect(bitsOf(net) === bitsOf(unbroken)).to.equal(true)
    }
  })

  it('does the same work where it is never stopped, and ends at once when it is called again', async () => {
    using unbroken = await prepared(base)
    await train(unbroken, dataset, base)
    using saving = await prepared(base)
    const path = join(box, 'often.safetensors')
    const positions: string[] = []
    const onSaved = ({ epoch, steps }: { epoch: number; steps: number }) => {
      positions.push(`${epoch}.${steps}`)
    }
    await train(saving, dataset, { ...base, checkpoint: { path, minutes: 0, onSaved } })
    expect(bitsOf(saving) === bitsOf(unbroken)).to.equal(true)
    expect(positions.slice(0, STEPS)).to.deep.equal(['1.1', '1.2', '1.3', '1.4', '1.5', '2.1'])
    expect(positions.at(-1)).to.equal('4.0')

    using again = await prepared(base)
    const { epochs } = await train(again, dataset, { ...base, checkpoint: { path } })
    expect(epochs).to.deep.equal([])
    expect(bitsOf(again) === bitsOf(unbroken)).to.equal(true)
  })

  it('finishes the step it is in when it is aborted, and saves that', async () => {
    using net = await prepared(base)
    const controller = new AbortController()
    const path = join(box, 'aborted.safetensors')
    const positions: number[] = []
    const work = train(net, dataset, {
      ...base,
      epochs: 500,
      signal: controller.signal,
      onProgress: () => controller.abort(),
      checkpoint: { path, onSaved: ({ epoch, steps }) => void positions.push((epoch - 1) * STEPS + steps) },
    })
    await work.then(
      () => expect.fail('it went on'),
      (error: unknown) => expect(error).to.equal(controller.signal.reason),
    )
    expect(positions).to.have.length(1)
    using held = await loadNetwork(path)
    expect(bitsOf(held) === bitsOf(net)).to.equal(true)
    using loaded = small(9)
    await loadWeights(loaded, path)
    expect(bitsOf(loaded) === bitsOf(net)).to.equal(true)
  })

  it('goes on over a full disk with the file that was saved before, and saves again when there is room', async () => {
    using unbroken = await prepared(base)
    await train(unbroken, dataset, base)
    using net = await prepared(base)
    const path = join(box, 'full.safetensors')
    let saved = 0
    let before: Buffer | undefined
    const errors: TorchPruneError[] = []
    using _ = fullDisk((file) => file.startsWith(box) && saved === 2 && errors.length < 3)
    await train(net, dataset, {
      ...base,
      checkpoint: {
        path,
        minutes: 0,
        onSaved: () => {
          saved++
          before = readFileSync(path)
        },
        onFailed: (error) => {
          errors.push(error)
          expect(readFileSync(path).equals(before!), 'the file before').to.equal(true)
          expect(readdirSync(box)).to.deep.equal(['full.safetensors'])
        },
      },
    })
    expect(bitsOf(net) === bitsOf(unbroken)).to.equal(true)
    expect(errors.map(({ code, message }) => [code, message])).to.deep.equal(
      Array(3).fill([
        'ERR_OUTPUT',
        `${path}: cannot be written, the disk is full; free some space and try again`,
      ]),
    )
    // Between the steps of each epoch, and at the end.
    expect(saved).to.equal(EPOCHS * (STEPS - 1) + 1 - 3)
  })

  it('warns of a full disk once where nobody is told of it', async () => {
    using net = await prepared(base)
    const path = join(box, 'warned.safetensors')
    const warnings: string[] = []
    const listen = ({ name, message }: Error) => name === 'TorchPruneWarning' && warnings.push(message)
    process.on('warning', listen)
    try {
      using _ = fullDisk((file) => file.startsWith(box))
      await train(net, dataset, { ...base, checkpoint: { path, minutes: 0 } })
      await new Promise(setImmediate)
    } finally {
      process.off('warning', listen)
    }
    expect(warnings).to.deep.equal([
      `training goes on without a new checkpoint, and tries again later (${path}: cannot be written, the disk is full; free some space and try again)`,
    ])
    expect(readdirSync(box)).to.deep.equal([])
  })

  it('says so when what it stands at cannot be saved as it is aborted', async () => {
    using net = await prepared(base)
    const controller = new AbortController()
    using _ = fullDisk((file) => file.startsWith(box))
    const work = train(net, dataset, {
      ...base,
      signal: controller.signal,
      onProgress: () => controller.abort(),
      checkpoint: { path: join(box, 'aborted.safetensors') },
    })
    const { code, message } = await laterRefusal(work)
    expect(code).to.equal('ERR_OUTPUT')
    expect(message).to.match(/aborted.safetensors: cannot be written, the disk is full/)
  })

  it('refuses a file of another training, or one that is damaged', async () => {
    using net = await prepared(base)
    const path = join(box, 'file.safetensors')
    const attempt = (changes: Partial<TrainOptions>) =>
      refusedWith(train(net, dataset, { ...base, ...changes, checkpoint: { path } }))
    await train(net, dataset, { ...base, epochs: 1, checkpoint: { path } })
    expect(await attempt({})).to.match(
      /was saved by a training of 1 epochs and cannot go on to 3, for its cosine schedule comes down over 1; remove it, or/,
    )
    expect(await attempt({ epochs: 1, seed: 6 })).to.match(
      /was saved by a training with seed: 5, this one has 6/,
    )
    expect(await attempt({ epochs: 1, optimizer: adamw() })).to.match(/with optimizer: \{"kind":"sgd"/)
    const bytes = readFileSync(path)
    truncateSync(path, bytes.length - 100)
    expect(await attempt({ epochs: 1 })).to.match(/file\.safetensors: /)
    await net.save(path)
    expect(await attempt({ epochs: 1 })).to.match(/does not say where training stood; remove it/)
    writeFileSync(path, 'no tensors')
    expect(await attempt({ epochs: 1 })).to.match(/file\.safetensors: /)
    const minutes = () => train(net, dataset, { ...base, checkpoint: { path, minutes: -1 } })
    expect(refusal(minutes).message).to.match(/checkpoint\.minutes must be 0 or more, got -1/)
  })
})

describe('a checkpoint of a longer or shorter training', () => {
  const constantly = { ...base, schedule: undefined }
  const path = () => join(box, 'longer.safetensors')
  const saving = (net: AnyNetwork, options: TrainOptions) =>
    train(net, dataset, { ...options, checkpoint: { path: path() } })

  for (const [what, changes] of Object.entries({
    'a constant rate': {},
    'a rate that falls by steps': { schedule: step(2, 0.5) },
    'one that is stopped within an epoch, and averages': { averaging: ema(0.8) },
  })) {
    it(`goes on to more epochs as an unbroken one: ${what}`, async () => {
      const options = { ...constantly, ...changes }
      using unbroken = await prepared(options)
      await train(unbroken, dataset, options)
      using first = await prepared(options)
      if ('averaging' in changes) {
        const stop = new AbortController()
        const onSaved = () => stop.abort()
        const checkpoint = { path: path(), minutes: 0, onSaved }
        const work = train(first, dataset, { ...options, epochs: 2, signal: stop.signal, checkpoint })
        expect(await work.catch((error: unknown) => error)).to.equal(stop.signal.reason)
      } else {
        await saving(first, { ...options, epochs: 2 })
      }
      using second = await prepared(options)
      await saving(second, options)
      expect(bitsOf(second) === bitsOf(unbroken)).to.equal(true)
    })
  }

  it('says why where it cannot', async () => {
    using net = await prepared(constantly)
    const message = async (saved: Partial<TrainOptions>, epochs: number) => {
      rmSync(path(), { force: true })
      await saving(net, { ...constantly, epochs: 2, ...saved })
      const before = bitsOf(net)
      const said = await refusedWith(saving(net, { ...constantly, ...saved, epochs }))
      expect(bitsOf(net) === before, 'nothing was loaded').to.equal(true)
      return said
    }
    expect(await message({ schedule: cosine() }, 3)).to.match(/its cosine schedule comes down over 2;/)
    expect(await message({ averaging: swa(0.3) }, 3)).to.match(/swa\(\) averages a share of 2;/)
    expect(await message({ averaging: ema(0.8) }, 3)).to.match(/the average of its weights has taken/)
    expect(await message({ progressiveResizing: { initialScale: 1 } }, 3)).to.match(/is laid out over 2;/)
    expect(await message({}, 1)).to.match(/cannot go on to 1, for it has done 2 epochs already;/)
  })
})

describe('a checkpoint of other data, masks or settings', () => {
  const path = () => join(box, 'other.safetensors')
  const checkpointed = (more: Partial<TrainOptions> = {}) => ({
    ...base,
    epochs: 1,
    ...more,
    checkpoint: { path: path() },
  })

  it('is never loaded over a network that has been pruned since', async () => {
    using net = small()
    await train(net, dataset, checkpointed())
    await applyCriterion(net, criteria.magnitude().density({ fc1: 0.25 }))
    const before = bitsOf(net)
    expect(await refusedWith(train(net, dataset, checkpointed()))).to.match(
      /was saved by a training in which fc1\.weight keeps all weights, without a mask, and here it is 192 of 768 weights; remove it, or give another checkpoint\.path/,
    )
    expect(bitsOf(net) === before).to.equal(true)
    await net.assertSealed()
  })

  it('is refused for other masks of the same density', async () => {
    using net = await prepared({})
    await train(net, dataset, checkpointed())
    await net.setMask(
      'fc1',
      tensor(
        numbers(768).map((value) => (value > 0 ? 1 : 0)),
        { shape: [12, 64] },
      ),
    )
    expect(await refusedWith(train(net, dataset, checkpointed()))).to.match(
      /fc1\.weight keeps \d+ of 768 weights, and here it is \d+ of 768/,
    )
  })

  it('is refused for other samples, and taken where defaults are only written out', async () => {
    using net = small()
    await train(net, dataset, checkpointed({ augment: undefined }))
    const attempt = (data: Dataset) => refusedWith(train(net, data, checkpointed({ augment: undefined })))
    expect(await attempt(dataset.slice(0, 40))).to.match(/on 44 samples, and here it is 40 samples/)
    expect(await attempt(pictures(SAMPLES, 9))).to.match(/on 44 samples, and here they are others/)
    const plain = { augment: {}, loss: losses.crossEntropy(), dropLast: false, autocast: 'none' } as const
    expect((await train(net, dataset, checkpointed(plain))).epochs).to.deep.equal([])
  })

  it('is not taken from train() into prune(), nor from one pruning into another', async () => {
    using net = small()
    const splits = { train: dataset, validation }
    await train(net, dataset, checkpointed())
    const options = (more: object) => ({
      criterion: criteria.magnitude().density({ fc1: 0.5 }),
      retrain: { ...settings, epochs: 1 },
      checkpoint: { path: path() },
      ...more,
    })
    expect(await refusedWith(prune(net, splits, options({})))).to.match(/was saved by train\(\), not within/)
    expect(net.mask('fc1')).to.equal(undefined)
    rmSync(path())
    await prune(net, splits, options({}))
    const before = bitsOf(net)
    const other = prune(net, splits, options({ criterion: criteria.magnitude().density({ fc1: 0.25 }) }))
    expect(await refusedWith(other)).to.match(
      /with criterion: \{"score":\{"kind":"magnitude"\},"select":\{"kind":"density"/,
    )
    const longer = prune(net, splits, options({ retrain: { ...settings, epochs: 2 } }))
    expect(await refusedWith(longer)).to.match(/was saved by a retraining of 1 epochs, this one has 2/)
    expect(await refusedWith(train(net, dataset, checkpointed()))).to.match(
      /other\.safetensors: was saved by/,
    )
    expect(bitsOf(net) === before).to.equal(true)
  })
})

describe('pruning that is saved on the way', function () {
  this.timeout(60_000)
  const splits = { train: dataset, validation }
  const options: PruneOptions<'conv' | 'fc1' | 'fc2'> = {
    criterion: criteria.magnitude().density({ conv: 0.5, fc1: 0.2, fc2: 0.5 }),
    rounds: 2,
    phases: ['fc', 'conv'],
    retrain: { ...settings, epochs: 2, distillation: { weight: 0.5 }, cachePrefix: true, cacheVariants: 2 },
    seed: 7,
  }

  it('goes on in the round and the phase in which it was stopped, to the same bits', async () => {
    using unbroken = small()
    const rounds: unknown[] = []
    const told = ({ seconds: _, ...round }: { seconds: number }) => round
    const { initialDeviations } = await prune(unbroken, splits, options)
    for await (const round of prune(small(), splits, options)) rounds.push(told(round))
    for (const every of [2, 7, 11, 26]) {
      rmSync(join(box, 'position.safetensors'), { force: true })
      const seen: unknown[] = []
      let weights: string | undefined
      let after: PruneOptions['after'] | undefined
      const pruned: string[] = []
      for (let over = false; !over; ) {
        using net = small()
        // The dense network teaches.
        const { teacher } = { teacher: small() }
        if (weights) await loadWeights(net, weights)
        over = await upTo(every, async (signal, checkpoint) => {
          const retrain = { ...options.retrain, distillation: { weight: 0.5, teacher } }
          const job = prune(net, splits, {
            ...{ ...options, retrain, signal, checkpoint },
            after,
            onPruned: (round, _, { index }) => void pruned.push(`${round}.${index}`),
          })
          for await (const round of job) {
            seen.push(told(round))
            weights = join(box, `round-${round.round}.safetensors`)
            await net.save(weights)
            after = { round: round.round, initial: initialDeviations }
          }
        })
        if (over) expect(bitsOf(net) === bitsOf(unbroken), `stopped every ${every} steps`).to.equal(true)
      }
      expect(seen).to.deep.equal(rounds)
      expect(pruned).to.deep.equal(['1.0', '1.1', '2.0', '2.1'])
    }
    expect(await readNote(join(box, 'position.safetensors'))).to.include({ round: 2, phase: 1 })
  })
})
