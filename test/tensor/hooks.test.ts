import { expect } from 'chai'

import { enableGrad, type Hook } from '../../lib/tensor/autograd.js'
import { ones } from '../../lib/tensor/factories.js'
import { keep, memory } from '../../lib/tensor/scope.js'
import type { Tensor } from '../../lib/tensor/tensor.js'
import { device } from '../support/device.js'
import { expectRefusal, leaf, scoped } from './leaf.js'

describe('a gradient hook', () => {
  it(
    'sees the gradient; hooks run in order, each on what the one before returned',
    scoped(() => {
      const w = leaf()
      const seen: unknown[] = []
      w.registerHook((gradient) => {
        seen.push(['first', gradient.toArray()])
        return gradient.mul(2)
      })
      w.registerHook((gradient) => {
        seen.push(['second', gradient.toArray()])
        return undefined
      })
      w.mul(3).sum().backward()
      expect(seen).to.deep.equal([
        ['first', [3, 3, 3]],
        ['second', [6, 6, 6]],
      ])
      expect(w.grad!.toArray()).to.deep.equal([6, 6, 6])
    }),
  )

  it(
    'sits on what is in between as well',
    scoped(() => {
      const w = leaf()
      const middle = w.mul(2)
      middle.registerHook((gradient) => gradient.maskedFill(middle.gt(3), 0))
      middle.mul(5).sum().backward()
      expect(w.grad!.toArray()).to.deep.equal([10, 0, 0])
    }),
  )

  it(
    'is off after remove(), which may be called again, and after its block',
    scoped(() => {
      const w = leaf()
      let calls = 0
      const count = () => {
        calls++
        return undefined
      }
      const hook = w.registerHook(count)
      {
        using _hook = w.registerHook(count)
        w.sum().backward()
      }
      hook.remove()
      hook.remove()
      w.sum().backward()
      expect(calls).to.equal(2)
    }),
  )

  it(
    'may remove itself while it runs',
    scoped(() => {
      const w = leaf()
      let calls = 0
      const hook: Hook = w.registerHook(() => {
        calls++
        hook.remove()
        return undefined
      })
      w.sum().backward()
      w.sum().backward()
      expect(calls).to.equal(1)
    }),
  )

  it(
    'that throws is the error of backward(), and all goes on after it',
    scoped(() => {
      const w = leaf()
      const mine = new Error('mine')
      const hook = w.registerHook(() => {
        throw mine
      })
      let caught: unknown
      try {
        w.sum().backward()
      } catch (error) {
        caught = error
      }
      expect(caught).to.equal(mine)
      expect(w.grad).to.equal(undefined)
      hook.remove()
      w.sum().backward()
      expect(w.grad!.toArray()).to.deep.equal([1, 1, 1])
    }),
  )

  it(
    'that throws no error at all is passed on, too',
    scoped(() => {
      const w = leaf()
      w.registerHook(() => {
        throw 'a string'
      })
      let caught: unknown
      try {
        w.sum().backward()
      } catch (error) {
        caught = error
      }
      expect(caught).to.equal('a string')
    }),
  )

  it(
    'may run a backward of its own',
    scoped(() => {
      const w = leaf()
      const other = leaf()
      w.registerHook((gradient) => {
        enableGrad(() => other.mul(gradient).sum().backward())
        return gradient.neg()
      })
      w.mul(4).sum().backward()
      expect(other.grad!.toArray()).to.deep.equal([4, 4, 4])
      expect(w.grad!.toArray()).to.deep.equal([-4, -4, -4])
    }),
  )

  it(
    'refuses to be what it cannot be',
    scoped(() => {
      const w = leaf()
      const wrong: [() => unknown, string][] = [
        [() => 3, 'a number'],
        [() => null, 'null'],
        [() => Promise.resolve(), 'async'],
        [() => ones([2], { device }), 'size'],
      ]
      for (const [hook, part] of wrong) {
        using _hook = w.registerHook(hook as never)
        let message = ''
        try {
          w.sum().backward()
        } catch (error) {
          message = (error as Error).message
        }
        expect(message).to.include(part)
      }
      expectRefusal(() => w.registerHook((async () => undefined) as never), 'ERR_ARGUMENT')
      expectRefusal(() => w.registerHook(3 as never), 'ERR_ARGUMENT')
      expectRefusal(() => ones([1], { device }).registerHook(() => undefined), 'ERR_ARGUMENT')
    }),
  )

  it(
    'leaves nothing behind but what it keeps',
    scoped(() => {
      const w = leaf()
      let kept: Tensor | undefined
      const hook = w.registerHook((gradient) => {
        kept = keep(gradient)
        return gradient.add(1).mul(2)
      })
      w.sum().backward()
      hook.remove()
      expect(kept!.toArray()).to.deep.equal([1, 1, 1])
      kept!.dispose()

      const loss = w.sum()
      const before = memory.liveTensors().tensors
      using _hook = w.registerHook((gradient) => gradient.add(1).mul(2))
      loss.backward()
      expect(memory.liveTensors().tensors).to.equal(before)
    }),
  )
})
