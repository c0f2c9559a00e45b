import { expect } from 'chai'
import { loadAddon } from '../../lib/binding/addon.js'
import type { EpochOptions, TrainerHandle, TrainerOptions } from '../../lib/binding/native.js'
import { Optimizer } from '../../lib/optim/optimizer.js'
import { sgd } from '../../lib/optim/spec.js'
import { snapshot } from '../nn/bits.js'
import { refusal } from '../support/refusal.js'
import { toyData, toyNetwork } from '../train/toy.js'

const addon = loadAddon()
const EPOCH: EpochOptions = { rates: [0.1], seed: 1 }
const NOTHING = { steps: 0, samples: 0, lossSum: 0, lossCount: 0, judged: 0, correct: 0 }

/** A trainer with steps of 8 of 96 samples, and its network. */
function make(options: Partial<TrainerOptions> = {}) {
  const net = toyNetwork()
  const optimizer = Optimizer.of(net, sgd({ lr: 0.1, momentum: 0.9 }))
  const dataset = toyData()
  const all = { batchSize: 8, ...options }
  const trainer = addon.trainerMake(net.handle, optimizer.handle, dataset.handle, all)
  return { net, trainer }
}

const run = (trainer: TrainerHandle, more: Partial<EpochOptions> = {}) =>
  addon.trainerRun(trainer, { ...EPOCH, ...more }).promise

describe('a trainer of the addon', () => {
  it('stands at the beginning, and after a run where that ended', async () => {
    const { trainer } = make()
    expect(addon.trainerState(trainer)).to.deep.equal({ ...NOTHING, over: false })
    const result = await run(trainer, { steps: 5 })
    expect(result).to.include({ steps: 5, samples: 40, over: false, cancelled: false })
    expect(result).to.include(addon.trainerState(trainer))
    expect(await run(trainer)).to.include({ steps: 12, samples: 96, over: true })
  })

  it('does in several runs what it does in one, bit for bit', async () => {
    const whole = make({ keepLosses: true })
    const parts = make({ keepLosses: true })
    for (const rate of [0.1, 0.05]) {
      const { losses, ...once } = (await run(whole.trainer, { rates: [rate], seed: 7 }))!
      const pieces = []
      for (const steps of [5, 1, 100]) {
        pieces.push((await run(parts.trainer, { rates: [rate], seed: 7, steps }))!)
      }
      expect(pieces.map(({ steps }) => steps)).to.deep.equal([5, 6, 12])
      expect(pieces.flatMap((piece) => [...piece.losses])).to.deep.equal([...losses])
      const { losses: _, ...last } = pieces.at(-1)!
      expect(last).to.deep.equal(once)
    }
    expect(snapshot(parts.net)).to.deep.equal(snapshot(whole.net))
  })

  it('continues from the position that it is given', async () => {
    const straight = make()
    await run(straight.trainer, { steps: 5 })
    const { over: _, ...position } = addon.trainerState(straight.trainer)
    const other = make()
    addon.trainerLoad(other.trainer, position)
    expect(addon.trainerState(other.trainer)).to.deep.equal({ ...position, over: false })
    expect(await run(other.trainer)).to.include({ steps: 12, samples: 96, over: true })
  })

  it('stops between two updates alone', async () => {
    const { trainer } = make({ accumulate: 5 })
    expect(await run(trainer, { steps: 1 })).to.include({ steps: 5 })
    expect(await run(trainer, { steps: 6 })).to.include({ steps: 12, over: true })
  })

  it('begins another epoch once one is over', async () => {
    const { trainer } = make()
    await run(trainer)
    expect(addon.trainerState(trainer)).to.include({ steps: 12, over: true })
    expect(await run(trainer, { steps: 2 })).to.include({ steps: 2, samples: 16, over: false })
  })

  it('takes positions within an epoch alone', async () => {
    const { trainer } = make()
    addon.trainerLoad(trainer, { ...NOTHING, steps: 12 })
    expect(addon.trainerState(trainer).over).to.equal(true)
    for (const steps of [13, -1]) {
      const error = refusal(() => addon.trainerLoad(trainer, { ...NOTHING, steps }))
      expect(error.code).to.equal('ERR_ARGUMENT')
      expect(error.message).to.equal(`steps must be 0 to 12, the steps of an epoch, got ${steps}`)
    }
    addon.trainerLoad(trainer, { ...NOTHING, steps: 8 })
    const short = { ...EPOCH, order: [0, 1, 2] }
    expect(refusal(() => addon.trainerRun(trainer, short)).message).to.equal(
      'the trainer has done 8 steps, and this epoch has 1',
    )
    expect(refusal(() => addon.trainerRun(trainer, { ...EPOCH, steps: 0 })).code).to.equal('ERR_ARGUMENT')
  })

  it('is busy while it runs', async () => {
    const { trainer, net } = make()
    const job = addon.trainerRun(trainer, EPOCH)
    for (const use of [
      () => addon.trainerRun(trainer, EPOCH),
      () => addon.trainerState(trainer),
      () => addon.trainerLoad(trainer, NOTHING),
      () => net.tensor('fc1.weight'),
    ]) {
      expect(refusal(use).code).to.equal('ERR_BUSY')
    }
    await job.promise
    expect(addon.trainerState(trainer).over).to.equal(true)
    const waiting = addon.trainerRun(trainer, EPOCH)
    waiting.cancel()
    await waiting.promise
    addon.trainerLoad(trainer, NOTHING)
  })

  it('runs to the end when it is disposed of meanwhile, and is then gone', async () => {
    const { trainer } = make()
    const job = addon.trainerRun(trainer, EPOCH)
    addon.trainerDispose(trainer)
    expect(await job.promise).to.include({ steps: 12, over: true })
    for (const use of [
      () => addon.trainerRun(trainer, EPOCH),
      () => addon.trainerState(trainer),
      () => addon.trainerLoad(trainer, NOTHING),
    ]) {
      expect(refusal(use).code).to.equal('ERR_DISPOSED')
    }
    addon.trainerDispose(trainer)
  })
})
