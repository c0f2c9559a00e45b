import { expect } from 'chai'
import type { TrainerOptions } from '../../lib/binding/native.js'
import { adamw, sgd } from '../../lib/optim/spec.js'
import { applyCriterion } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import { scope } from '../../lib/tensor/scope.js'
import { snapshot } from '../nn/bits.js'
import { expectSealed } from '../prune/sealed.js'
import { refusal } from '../support/refusal.js'
import { tolerance } from '../support/tolerance.js'
import {
  BATCHES,
  bits,
  fixture,
  golden,
  goldenData,
  LARGEST,
  SPECS,
  tensor,
  trainerOf,
} from './loss_scale_toy.js'
import { toyData, toyNetwork } from './toy.js'

describe('training in float16 with a scaled loss', () => {
  for (const { name, optimizer: kind, accumulate, clipNorm, ...start } of fixture.cases) {
    it(`takes and leaves out the steps that torch.amp.GradScaler does: ${name}`, async () => {
      using net = await golden()
      const options = { accumulate, clipNorm }
      const { optimizer, run, state } = trainerOf(net, goldenData(), SPECS[kind], options, start)
      const [losses, scales, ages] = [[], [], []] as [number[], number[], number[]]
      for (let update = 0; update < (2 * BATCHES) / accumulate; update++) {
        losses.push(...(await run(accumulate)).losses)
        const { scale, scaleAge } = state()
        scales.push(scale!)
        ages.push(scaleAge!)
      }
      scope(() => {
        expect(scales).to.deep.equal([...tensor(`${name}.scales`).data()])
        expect(ages).to.deep.equal([...tensor(`${name}.ages`).data()].map(Number))
        const theirs = tensor(`${name}.losses`).data()
        const close = tolerance('autocast', 'float16').atol
        for (const [i, loss] of losses.entries()) expect(loss).to.be.closeTo(theirs[i] as number, close)
        const farthest = tolerance('training', 'float16').atol
        for (const key of net.tensorNames()) {
          const apart = net
            .tensor(key)
            .detach()
            .sub(tensor(`${name}.${key}`))
            .abs()
            .max()
          expect(apart.item(), key).to.be.below(farthest)
        }
      })
      expect(await expectSealed(net, optimizer)).to.be.above(300)
    })
  }

  for (const [what, spec] of Object.entries({
    'SGD, fused': sgd({ lr: 0.1, momentum: 0.9, weightDecay: 0.01 }),
    'SGD, looped': sgd({ lr: 0.1, momentum: 0.9, fused: false }),
    AdamW: adamw({ lr: 0.01, weightDecay: 0.1 }),
  })) {
    it(`leaves weights, moments, counts and masks as they are where gradients overflow: ${what}`, async () => {
      using net = toyNetwork()
      await applyCriterion(net, criteria.magnitude().density({ fc1: 0.3, fc2: 0.5 }))
      const { optimizer, run, state } = trainerOf(net, toyData(), spec)
      await run(2)
      expect(state()).to.include({ scale: 65536, scaleAge: 2 })
      const before = bits(net, optimizer)
      const { over: _, ...position } = state()
      const other = trainerOf(net, toyData(), spec, {}, { ...position, scale: LARGEST, scaleAge: 5 })
      await other.optimizer.loadState(optimizer.state())
      await other.run(1)
      expect(other.state()).to.include({ steps: 3, scale: LARGEST / 2, scaleAge: 0 })
      expect(bits(net, other.optimizer)).to.deep.equal(before)
      // Until they fit again.
      while (other.state().scaleAge === 0) await other.run(1)
      expect(bits(net, other.optimizer).weights).not.to.deep.equal(before.weights)
      await expectSealed(net, other.optimizer)
    })
  }

  it('clips and accumulates gradients that are not scaled', async () => {
    const after = async (scale: number, options: Partial<TrainerOptions>) => {
      using net = toyNetwork()
      net.setDropout('drop', 0)
      const { run } = trainerOf(net, toyData(), sgd({ lr: 0.5 }), options, { scale })
      const { losses } = await run(BATCHES)
      return { losses: [...losses], weights: snapshot(net) }
    }
    for (const options of [{}, { clipNorm: 0.05 }, { clipValue: 0.01 }, { accumulate: 3, clipNorm: 0.05 }]) {
      const [one, other] = [await after(1024, options), await after(4096, options)]
      // Powers of two round nothing, but for gradients that leave the range of float16.
      for (const [i, loss] of one.losses.entries()) expect(other.losses[i]).to.be.closeTo(loss, 1e-4)
      for (const name of ['fc1.weight', 'fc2.weight']) {
        const [a, b] = [one, other].map(({ weights }) => new Float32Array(weights[name]!.slice().buffer))
        for (const [i, value] of a!.entries()) expect(b![i]).to.be.closeTo(value, 1e-3)
      }
    }
  })

  it('gives other dtypes no scale', async () => {
    for (const autocast of ['none', 'bfloat16'] as const) {
      using net = toyNetwork()
      const { run, state } = trainerOf(net, toyData(), sgd({ lr: 0.1 }), { autocast })
      await run(1)
      expect(state()).not.to.have.any.keys('scale', 'scaleAge')
    }
  })

  it('takes scales from 1 to 2^24 alone', () => {
    using net = toyNetwork()
    for (const scale of [0, 0.5, 2 * LARGEST, Number.NaN]) {
      const error = refusal(() => trainerOf(net, toyData(), sgd({ lr: 0.1 }), {}, { scale }))
      expect(error.message).to.match(/^scale must be in 1\.\.16777216, got /)
    }
    const old = { scale: 1024, scaleAge: 2000 }
    expect(refusal(() => trainerOf(net, toyData(), sgd({ lr: 0.1 }), {}, old)).message).to.match(/^scaleAge/)
  })
})
