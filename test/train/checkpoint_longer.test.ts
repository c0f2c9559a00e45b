import { rmSync } from 'node:fs'
import { expect } from 'chai'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { ema, swa } from '../../lib/optim/averaging.js'
import { cosine, step } from '../../lib/optim/schedule.js'
import type { TrainOptions } from '../../lib/train/options.js'
import { train } from '../../lib/train/train.js'
import { freshFolder } from '../support/folder.js'
import { refusedWith } from '../support/refusal.js'
import { base, bitsOf, dataset, prepared } from './checkpoint_toy.js'

const box = freshFolder()

describe('a checkpoint of a longer or shorter training', () => {
  const constantly = { ...base, schedule: undefined }
  const path = () => box('longer.safetensors')
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
