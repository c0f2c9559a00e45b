import { spawnSync } from 'node:child_process'
import { inspect } from 'node:util'

import { expect } from 'chai'

import { cat } from '../../lib/tensor/combine.js'
import { ones, zeros } from '../../lib/tensor/factories.js'
import { tensor } from '../../lib/tensor/from.js'
import { keep, memory, scope } from '../../lib/tensor/scope.js'
import type { Tensor } from '../../lib/tensor/tensor.js'
import { balanced } from '../support/balanced.js'
import { device } from '../support/device.js'
import { refusal } from '../support/refusal.js'

const make = () => ones([256], { device })

describe('a scope', () => {
  it(
    'disposes of what was made inside, and not of what was there before',
    balanced((before) => {
      const outside = make()
      let inside: Tensor | undefined
      scope(() => {
        inside = outside.add(1)
        expect(memory.liveTensors().tensors).to.equal(before + 2)
      })
      expect([inside!.disposed, outside.disposed]).to.deep.equal([true, false])
      outside.dispose()
    }),
  )

  it(
    'lets live what it returns, in any array, object, map or set',
    balanced((before) => {
      class Pair {
        constructor(readonly first: Tensor) {}
      }
      const result = scope(() => {
        make()
        const held = { list: [make(), [make()]], pair: new Pair(make()), self: {} }
        held.self = held
        return {
          held,
          map: new Map([[make(), make()]]),
          set: new Set([make()]),
          plain: new Float32Array(8),
          no: null,
        }
      })
      const alive: Tensor[] = [
        ...(result.held.list.flat() as Tensor[]),
        result.held.pair.first,
        ...[...result.map].flat(),
        ...result.set,
      ]
      expect(memory.liveTensors().tensors).to.equal(before + alive.length)
      for (const each of alive) each.dispose()
    }),
  )

  it(
    'hands what it returns to the scope around it',
    balanced(() => {
      let inner: Tensor | undefined
      scope(() => {
        inner = scope(() => make().add(1))
        expect(inner.disposed).to.equal(false)
      })
      expect(inner!.disposed).to.equal(true)
    }),
  )

  it(
    'leaves out what keep() took out, of this scope or one around it',
    balanced(() => {
      const kept = scope(() => {
        const outer = make()
        const inner = scope(() => {
          keep(outer)
          return keep([make()])
        })
        return () => [outer, ...inner]
      })()
      expect(kept.map((each) => each.disposed)).to.deep.equal([false, false])
      for (const each of kept) each.dispose()
    }),
  )

  it(
    'disposes of all when its function throws, and passes the error on',
    balanced(() => {
      const mine = new Error('mine')
      expect(() =>
        scope(() => {
          make()
          scope(() => make())
          throw mine
        }),
      ).to.throw(mine)
    }),
  )

  it(
    'refuses an async function, which would go on after it',
    balanced(() => {
      let ran = false
      const run = async () => {
        ran = true
      }
      for (const body of [run, () => Promise.reject(new Error('unseen')), 3 as never]) {
        const { code, message } = refusal(() => scope(body))
        expect(code).to.equal('ERR_ARGUMENT')
        expect(message).to.include('scope()')
      }
      expect(ran).to.equal(false)
    }),
  )

  it(
    'is empty again after a loop of steps',
    balanced((before) => {
      const weight = tensor([1, 2, 3], { device, requiresGrad: true })
      for (let step = 0; step < 20; step++) {
        scope(() => {
          weight.grad = undefined
          using _hook = weight.registerHook((gradient) => gradient.mul(2))
          weight.square().sum().backward()
        })
      }
      weight.grad = undefined
      expect(memory.liveTensors().tensors).to.equal(before + 1)
      weight.dispose()
    }),
  )

  it(
    'leaves nothing of what printing and reading made',
    balanced((before) => {
      using big = zeros([300, 2, 40], { device })
      using half = zeros([256], { dtype: 'float16', device })
      scope(() => {
        String(big)
        half.toArray()
        big.sum().item()
        big.add_(1).device.toString()
        return big.data()
      })
      expect(memory.liveTensors().tensors).to.equal(before + 2)
    }),
  )
})

describe('a disposed tensor', () => {
  const gone = () => {
    const made = make()
    made.dispose()
    return made
  }

  it('may be disposed of again, and says that it is gone', () => {
    const made = gone()
    made.dispose()
    made[Symbol.dispose]()
    expect(made.disposed).to.equal(true)
    expect(inspect(made)).to.equal('tensor(<disposed>)')
  })

  it('is an error wherever it is used, which names the operation', () => {
    using other = make()
    const uses: [string, () => unknown][] = [
      ['add', () => gone().add(1)],
      ['add', () => other.add(gone())],
      ['cat', () => cat([other, gone()])],
      ['to', () => gone().bool()],
      ['toArray', () => gone().toArray()],
      ['shape', () => gone().shape],
      ['device', () => gone().device],
      ['data', () => gone().data()],
      ['item', () => gone().item()],
      ['backward', () => gone().backward()],
      ['grad', () => gone().grad],
      ['registerHook', () => gone().registerHook(() => undefined)],
      ['requiresGrad', () => gone().requiresGrad],
      ['handle', () => gone().handle],
    ]
    for (const [operation, use] of uses) {
      const { code, message } = refusal(use)
      expect(code).to.equal('ERR_DISPOSED')
      expect(message).to.match(new RegExp(`^${operation}: `))
    }
  })

  it('is an error also where its shape had been read before', () => {
    const made = make()
    expect(made.shape).to.deep.equal([256])
    made.dispose()
    expect(refusal(() => made.shape).code).to.equal('ERR_DISPOSED')
  })

  it('leaves its views, and the graph it is in, alive', () => {
    const weight = tensor([1, 2], { device, requiresGrad: true })
    const double = weight.mul(2)
    const view = double.narrow(0, 1, 1)
    const loss = double.square().sum()
    double.dispose()
    expect(view.toArray()).to.deep.equal([4])
    loss.backward()
    expect(weight.grad?.toArray()).to.deep.equal([8, 16])
    for (const each of [weight, view, loss]) each.dispose()
  })
})

describe('live tensors', () => {
  it('count the bytes of a shared storage once', () => {
    const before = memory.liveTensors()
    scope(() => {
      const made = zeros([1024], { device })
      made.reshape([32, 32]).t()
      const { tensors, bytes } = memory.liveTensors()
      expect(tensors - before.tensors).to.equal(3)
      expect(bytes - before.bytes).to.equal(4096)
    })
  })

  it('go down when the collector takes forgotten tensors, hooks and all', () => {
    const run = spawnSync(
      process.execPath,
      ['--expose-gc', '--import', 'tsx', new URL('collected.ts', import.meta.url).pathname],
      { encoding: 'utf8', timeout: 60_000 },
    )
    expect(run.stderr).to.equal('')
    expect(JSON.parse(run.stdout)).to.deep.equal({ made: 400, left: 0 })
  })

  it('are warned of once, where thousands are forgotten in one turn of the event loop', () => {
    const run = spawnSync(
      process.execPath,
      ['--import', 'tsx/esm', new URL('forgotten.ts', import.meta.url).pathname],
      { encoding: 'utf8', timeout: 60_000 },
    )
    const { before, warnings } = JSON.parse(run.stdout)
    expect(before).to.equal(0)
    expect(warnings).to.have.lengthOf(1)
    expect(warnings[0]).to.match(/^TorchPruneWarning: 4000 tensors were made .*scope\(/)
  })
})
