import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import type { Dataset } from '../../lib/data/dataset.js'
import { adamw } from '../../lib/optim/spec.js'
import { applyCriterion } from '../../lib/prune/mask.js'
import { prune } from '../../lib/prune/prune.js'
import { criteria } from '../../lib/prune/score/index.js'
import { tensor } from '../../lib/tensor/from.js'
import { losses } from '../../lib/train/losses.js'
import type { TrainOptions } from '../../lib/train/options.js'
import { train } from '../../lib/train/train.js'
import { freshFolder } from '../support/folder.js'
import { refusal, refusedWith } from '../support/refusal.js'
import {
  base,
  bitsOf,
  dataset,
  pictures,
  prepared,
  SAMPLES,
  settings,
  small,
  validation,
} from './checkpoint_toy.js'
import { numbers } from './toy.js'

const box = freshFolder()

describe('training that is saved on the way', function () {
  this.timeout(60_000)

  it('refuses a file of another training, or one that is damaged', async () => {
    using net = await prepared(base)
    const path = box('file.safetensors')
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

describe('a checkpoint of other data, masks or settings', () => {
  const path = () => box('other.safetensors')
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
