import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { messageOf } from '../../lib/base/errors.js'
import { linear } from '../../lib/nn/layers/index.js'
import { loadNetwork } from '../../lib/nn/load.js'
import { network } from '../../lib/nn/network.js'
import { ema } from '../../lib/optim/averaging.js'
import { sgd } from '../../lib/optim/spec.js'
import { memory } from '../../lib/tensor/scope.js'
import type { TrainOptions } from '../../lib/train/options.js'
import type { TrainPosition } from '../../lib/train/progress.js'
import { train } from '../../lib/train/train.js'
import { freshFolder } from '../support/folder.js'
import { fullDisk } from '../support/full_disk.js'
import { laterRefusal } from '../support/refusal.js'
import { slowRename } from '../support/slow_rename.js'
import { base, bitsOf, dataset, EPOCHS, prepared, STEPS } from './checkpoint_toy.js'
import { toyData } from './toy.js'

const box = freshFolder()

const cases: Record<string, Partial<TrainOptions>> = {
  'SGD with momentum': {},
  'a moving average': { averaging: ema(0.8) },
  'early stopping': { earlyStopping: { patience: EPOCHS } },
  'channels-last, under bfloat16': { memoryFormat: 'channelsLast', autocast: 'bfloat16' },
  'kept weights alone': { sparse: 'on' },
}

describe('a checkpoint that is written while training goes on', () => {
  for (const [what, changes] of Object.entries(cases)) {
    it(`has the state of one moment, from which training ends at the same bits: ${what}`, async () => {
      const options = { ...base, ...changes }
      using unbroken = await prepared(options)
      await train(unbroken, dataset, options)
      const path = box('background.safetensors')
      const positions: TrainPosition[] = []
      let ahead = 0
      using net = await prepared(options)
      const onSaved = async (position: TrainPosition) => {
        copyFileSync(path, box(`${positions.push(position)}.safetensors`))
        using saved = await loadNetwork(path)
        if (bitsOf(saved) !== bitsOf(net)) ahead++
      }
      const checkpoint = { path, minutes: 0, background: true, onSaved }
      await train(net, dataset, { ...options, checkpoint })
      expect(bitsOf(net) === bitsOf(unbroken)).to.equal(true)
      expect(positions.at(-1)).to.include({ epoch: EPOCHS + 1, steps: 0 })
      expect(positions.length).to.be.above(EPOCHS)
      // Each but the last was told of when training had gone on.
      expect(ahead).to.equal(positions.length - 1)
      for (const [i, { epoch, steps }] of positions.entries()) {
        using again = await prepared(options)
        await train(again, dataset, { ...options, checkpoint: { path: box(`${i + 1}.safetensors`) } })
        expect(bitsOf(again) === bitsOf(unbroken), `from epoch ${epoch}, step ${steps}`).to.equal(true)
      }
    })
  }

  it('fails nothing where the disk is full, and is tried again', async () => {
    using unbroken = await prepared(base)
    await train(unbroken, dataset, base)
    using net = await prepared(base)
    const path = box('full.safetensors')
    let [saved, failed] = [0, 0]
    using _ = fullDisk((file) => file.startsWith(box()) && saved === 2 && failed < 3)
    const onSaved = () => saved++
    const onFailed = () => failed++
    await train(net, dataset, {
      ...base,
      checkpoint: { path, minutes: 0, background: true, onSaved, onFailed },
    })
    expect(failed).to.equal(3)
    expect(saved).to.be.above(3)
    using held = await loadNetwork(path)
    expect(bitsOf(held) === bitsOf(net)).to.equal(true)
    expect(bitsOf(net) === bitsOf(unbroken)).to.equal(true)
  })

  it('ends training where it cannot be written for another reason', async () => {
    using net = await prepared(base)
    const folder = box('gone')
    mkdirSync(folder)
    const path = join(folder, 'refused.safetensors')
    const onSaved = () => rmSync(folder, { recursive: true })
    const { code, message } = await laterRefusal(
      train(net, dataset, { ...base, checkpoint: { path, minutes: 0, background: true, onSaved } }),
    )
    expect(code).to.equal('ERR_OUTPUT')
    expect(message).to.match(/gone\/refused.safetensors: cannot be written/)
  })

  it('is whole, and of the last step, when training is left', async () => {
    for (const background of [true, false]) {
      using net = await prepared(base)
      const path = box(`left-${background}.safetensors`)
      for await (const { epoch } of train(net, dataset, {
        ...base,
        checkpoint: { path, minutes: 0, background },
      })) {
        if (epoch === 2) break
      }
      using held = await loadNetwork(path)
      expect(bitsOf(held) === bitsOf(net), `background: ${background}`).to.equal(true)
      using again = await prepared(base)
      const { epochs } = await train(again, dataset, { ...base, checkpoint: { path } })
      expect(epochs.map(({ epoch }) => epoch)).to.deep.equal([3])
    }
  })

  it('is written once where it is never time', async () => {
    using net = await prepared(base)
    const positions: string[] = []
    const onSaved = ({ epoch, steps }: TrainPosition) => void positions.push(`${epoch}.${steps}`)
    const path = box('once.safetensors')
    await train(net, dataset, { ...base, checkpoint: { path, background: true, onSaved } })
    expect(positions).to.deep.equal([`${EPOCHS + 1}.0`])
    expect(STEPS).to.be.above(1)
  })

  it('is written as often as it is time, also after one that took longer than that', async () => {
    using net = await prepared(base)
    const path = box('slow.safetensors')
    const period = 50
    let saved = 0
    using _ = slowRename((file) => (file === path && saved === 0 ? 4 * period : 0))
    const began = performance.now()
    const onSaved = () => saved++
    await train(net, dataset, {
      ...base,
      epochs: 200,
      checkpoint: { path, minutes: period / 60_000, background: true, onSaved },
    })
    const periods = (performance.now() - began) / period
    expect(saved).to.be.above(1)
    expect(saved).to.be.at.most(periods + 2)
  })

  it('is told of when training fails meanwhile', async () => {
    using net = await prepared(base)
    const path = box('failing.safetensors')
    let [written, saved, reports] = [0, 0, 0]
    using _ = slowRename((file) => {
      if (file === path) written++
      return 20
    })
    const failure = train(net, dataset, {
      ...{ ...base, epochs: 50 },
      checkpoint: { path, minutes: 0, background: true, onSaved: () => saved++ },
      onProgress: () => {
        if (++reports === 5) throw new Error('enough')
      },
    })
    expect(await failure.then(() => '', messageOf)).to.equal('enough')
    expect(written).to.be.above(0)
    expect(saved).to.equal(written)
  })

  it('has the last state after an abort, also where a listener fails then', async () => {
    for (const background of [true, false]) {
      using net = await prepared(base)
      const controller = new AbortController()
      const path = box(`aborted-${background}.safetensors`)
      let reports = 0
      const onSaved = () => {
        if (controller.signal.aborted) throw new Error('enough')
      }
      const work = train(net, dataset, {
        ...{ ...base, epochs: 50, signal: controller.signal },
        checkpoint: { path, minutes: 0, background, onSaved },
        onProgress: () => {
          if (++reports === 5) controller.abort()
        },
      })
      await work.then(() => expect.fail('it came to its end'), messageOf)
      using held = await loadNetwork(path)
      expect(bitsOf(held) === bitsOf(net), `background: ${background}`).to.equal(true)
    }
  })

  it('leaves no tensor behind where it cannot be taken', async () => {
    const make = () =>
      network([6], { 'torch-prune.moment.momentum_buffer.fc1': linear(6, 3), fc1: linear(3, 3) }, { seed: 1 })
    const path = box('clash.safetensors')
    const optimizer = sgd({ lr: 0.1, momentum: 0.9 })
    const refused = async () => {
      using net = make()
      const work = train(net, toyData(), { epochs: 1, optimizer, seed: 1, checkpoint: { path } })
      expect((await laterRefusal(work)).message).to.match(/has a name that this file needs for itself/)
    }
    await refused()
    const { tensors } = memory.liveTensors()
    await refused()
    expect(memory.liveTensors().tensors).to.equal(tensors)
  })
})
