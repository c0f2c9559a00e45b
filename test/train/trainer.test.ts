import { expect } from 'chai'
import { ema } from '../../lib/optim/averaging.js'
import { cosine } from '../../lib/optim/schedule.js'
import { adam, sgd } from '../../lib/optim/spec.js'
import { applyCriterion } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import { train } from '../../lib/train/train.js'
import { Trainer } from '../../lib/train/trainer.js'
import type { Training } from '../../lib/train/training.js'
import { snapshot } from '../nn/bits.js'
import { toyData, toyNetwork } from './toy.js'

const TRAININGS: Record<string, Training> = {
  momentum: { epochs: 2, optimizer: sgd({ lr: 0.1, momentum: 0.9 }), schedule: cosine() },
  'Adam, clipping and accumulation': {
    epochs: 2,
    optimizer: adam({ lr: 0.01 }),
    clipGradients: { norm: 1 },
    accumulate: 2,
  },
}

describe('a trainer', () => {
  for (const [name, options] of Object.entries(TRAININGS)) {
    it(`does in runs of a few steps what train() does: ${name}`, async () => {
      using straight = toyNetwork()
      using stepped = toyNetwork()
      for (const net of [straight, stepped]) await applyCriterion(net, criteria.magnitude().density(0.5))
      const settings = { ...options, batchSize: 8 }
      await train(straight, toyData(), settings)
      using trainer = await Trainer.of(stepped, toyData(), settings)
      const stops: number[] = []
      for (const epoch of [1, 2]) {
        trainer.begin(epoch)
        while (!trainer.epochDone) {
          await trainer.run(5)
          stops.push(trainer.position.steps)
        }
      }
      expect(stops).to.deep.equal(options.accumulate ? [6, 12, 6, 12] : [5, 10, 12, 5, 10, 12])
      expect(snapshot(stepped)).to.deep.equal(snapshot(straight))
    })
  }

  it('says all that it goes on with', async () => {
    using net = toyNetwork()
    const options = { epochs: 2, optimizer: sgd({ lr: 0.1, momentum: 0.9 }), averaging: ema(0.9) }
    using trainer = await Trainer.of(net, toyData(), options)
    await trainer.run(1)
    const { position, optimizer, average } = trainer.state()
    expect(position).to.include({ epoch: 1, steps: 1, samples: 64 })
    expect(optimizer.state().get('fc1.weight')).to.include({ steps: 1 })
    expect([...average!.tensors.keys()]).to.include('fc1.weight')
  })
})
