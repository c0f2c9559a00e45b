import { expect } from 'chai'

import { enableGrad, type Hook, noGrad } from '../../lib/tensor/autograd.js'
import { ones } from '../../lib/tensor/factories.js'
import { tensor } from '../../lib/tensor/from.js'
import { keep, memory, scope } from '../../lib/tensor/scope.js'
import type { Tensor } from '../../lib/tensor/tensor.js'
import { balanced } from '../support/balanced.js'
import { device } from '../support/device.js'
import { refusal } from '../support/refusal.js'

function leaf(values: number[] = [1, 2, 3]): Tensor<'float32'> {
  return tensor(values, { device, requiresGrad: true })
}

/** Every test in a scope, which must leave nothing behind. */
function scoped(body: () => void): () => void {
  return balanced(() => scope(body))
}

function expectRefusal(attempt: () => unknown, code: string): void {
  const error = refusal(attempt)
  expect(error.code, error.message).to.equal(code)
}

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
