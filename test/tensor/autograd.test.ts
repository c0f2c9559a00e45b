import { expect } from 'chai'

import { enableGrad, noGrad } from '../../lib/tensor/autograd.js'
import { ones } from '../../lib/tensor/factories.js'
import { tensor } from '../../lib/tensor/from.js'
import { device } from '../support/device.js'
import { refusal } from '../support/refusal.js'
import { expectRefusal, leaf, scoped } from './leaf.js'

describe('autograd', () => {
  it(
    'adds up the gradients of every backward until they are cleared',
    scoped(() => {
      const w = leaf()
      expect(w.grad).to.equal(undefined)
      w.square().sum().backward()
      w.square().sum().backward()
      expect(w.grad?.toArray()).to.deep.equal([4, 8, 12])
      w.grad = undefined
      expect(w.grad).to.equal(undefined)
      w.mul(2).backward(tensor([1, 0, -1], { device }))
      expect(w.grad!.toArray()).to.deep.equal([2, 0, -2])
    }),
  )

  it(
    'takes a gradient by hand, of the same shape and dtype',
    scoped(() => {
      const w = leaf()
      w.grad = ones([3], { device })
      expect(w.grad?.toArray()).to.deep.equal([1, 1, 1])
      expectRefusal(() => {
        w.grad = ones([2], { device })
      }, 'ERR_SHAPE')
      expectRefusal(() => {
        w.grad = ones([3], { device, dtype: 'float64' })
      }, 'ERR_DTYPE')
    }),
  )

  it(
    'goes over a graph twice when it is retained, and differentiates gradients',
    scoped(() => {
      const w = leaf([3])
      const loss = w.pow(3).sum()
      loss.backward(undefined, { retainGraph: true })
      loss.backward(undefined, { createGraph: true })
      const gradient = w.grad!
      expect(gradient.item()).to.equal(54)
      w.grad = undefined
      gradient.sum().backward()
      expect(w.grad!.item()).to.equal(18)
    }),
  )

  it(
    'stops at detach()',
    scoped(() => {
      const w = leaf()
      const cut = w.mul(2).detach()
      expect(cut.requiresGrad).to.equal(false)
      expect(w.mul(2).isLeaf).to.equal(false)
      w.mul(cut).sum().backward()
      expect(w.grad!.toArray()).to.deep.equal([2, 4, 6])
    }),
  )

  it(
    'refuses a backward from nowhere, of several elements, or over a graph that is gone',
    scoped(() => {
      expectRefusal(() => ones([1], { device }).backward(), 'ERR_ARGUMENT')
      expectRefusal(() => leaf().mul(1).backward(), 'ERR_SHAPE')
      expectRefusal(
        () =>
          leaf()
            .mul(1)
            .backward(ones([2], { device })),
        'ERR_SHAPE',
      )
      // libtorch would sum it to the tensor's shape.
      expectRefusal(
        () =>
          leaf()
            .mul(1)
            .backward(ones([2, 3], { device })),
        'ERR_SHAPE',
      )
      const loss = leaf().square().sum()
      loss.backward()
      expectRefusal(() => loss.backward(), 'ERR_TORCH')
      expectRefusal(() => leaf().mul(1).requiresGrad_(false), 'ERR_ARGUMENT')
      expectRefusal(() => tensor([1n], { device }).requiresGrad_(), 'ERR_DTYPE')
    }),
  )

  it(
    'lets a leaf be written to under noGrad alone',
    scoped(() => {
      const w = leaf()
      expect(refusal(() => w.add_(1)).message).to.include('noGrad()')
      noGrad(() => w.add_(1))
      expect(w.toArray()).to.deep.equal([2, 3, 4])
    }),
  )
})

describe('noGrad', () => {
  it(
    'records nothing inside its function, and enableGrad inside it does',
    scoped(() => {
      const w = leaf()
      const [without, within] = noGrad(() => [w.mul(2), enableGrad(() => w.mul(2))] as const)
      expect([without.requiresGrad, within.requiresGrad]).to.deep.equal([false, true])
      expect(w.mul(2).requiresGrad).to.equal(true)
    }),
  )

  it(
    'ends with its block, also when that throws',
    scoped(() => {
      const w = leaf()
      expect(() => {
        using _guard = noGrad()
        expect(w.mul(2).requiresGrad).to.equal(false)
        throw new Error('out')
      }).to.throw('out')
      expect(() => noGrad(() => expect.fail('out'))).to.throw('out')
      expect(w.mul(2).requiresGrad).to.equal(true)
    }),
  )

  it(
    'refuses an async function, which would go on after it',
    scoped(() => {
      let ran = false
      const run = async () => {
        ran = true
      }
      expectRefusal(() => noGrad(run), 'ERR_ARGUMENT')
      expect(ran).to.equal(false)
      expectRefusal(() => noGrad(() => Promise.reject(new Error('unseen'))), 'ERR_ARGUMENT')
      expect(leaf().mul(2).requiresGrad).to.equal(true)
    }),
  )
})
