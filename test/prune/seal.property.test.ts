import { expect } from 'chai'
import fc from 'fast-check'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import type { Layers } from '../../lib/nn/graph.js'
import {
  add,
  batchNorm2d,
  conv2d,
  dropout,
  flatten,
  linear,
  maxPool2d,
  relu,
} from '../../lib/nn/layers/index.js'
import { Network } from '../../lib/nn/network.js'
import { Optimizer, type ParameterState } from '../../lib/optim/optimizer.js'
import { l1, l2, noRegularization, type Regularization } from '../../lib/optim/regularization.js'
import { adam, adamw, type OptimizerSpec, sgd } from '../../lib/optim/spec.js'
import { fromBytes } from '../../lib/tensor/bytes.js'
import { randint, randn } from '../../lib/tensor/factories.js'
import { crossEntropy } from '../../lib/tensor/loss.js'
import { manualSeed } from '../../lib/tensor/random.js'
import { scope } from '../../lib/tensor/scope.js'
import { device } from '../support/device.js'
import { expectSealed } from './sealed.js'

const GRAPHS: readonly { shape: readonly number[]; layers: Layers }[] = [
  { shape: [5], layers: { fc1: linear(5, 7), relu: relu(), drop: dropout(0.3), fc2: linear(7, 3) } },
  { shape: [5], layers: { fc1: linear(5, 5), sum: add('fc1', 'input'), fc2: linear(5, 3, { bias: false }) } },
  {
    shape: [2, 6, 6],
    layers: {
      conv1: conv2d(2, 4, 3, { padding: 1, groups: 2 }),
      bn1: batchNorm2d(4),
      relu1: relu(),
      conv2: conv2d(4, 4, 3, { padding: 1, bias: false }),
      short: conv2d(2, 4, 1, { from: 'input' }),
      sum: add('conv2', 'short'),
      pool: maxPool2d(2),
      flat: flatten(),
      fc: linear(36, 3),
    },
  },
]

const rate = fc.constantFrom(0, 1e-3, 0.1, 1)
const spec: fc.Arbitrary<OptimizerSpec> = fc.oneof(
  fc
    .record({
      lr: rate,
      momentum: fc.constantFrom(0.5, 0.9, 1),
      nesterov: fc.boolean(),
      weightDecay: fc.constantFrom(0, 0.1, 10),
      fused: fc.boolean(),
    })
    .map(sgd),
  fc
    .record({ lr: rate, dampening: fc.double({ min: 0, max: 1, noNaN: true }), fused: fc.boolean() })
    .map((options) => sgd({ ...options, momentum: 0.9 })),
  fc
    .record({
      lr: rate,
      betas: fc.constantFrom([0.9, 0.999] as const, [0, 0] as const, [0.5, 0.99999] as const),
      eps: fc.constantFrom(1e-8, 1e-37, 1),
      weightDecay: fc.constantFrom(0, 0.01, 0.9),
      amsgrad: fc.boolean(),
      fused: fc.boolean(),
    })
    .chain((options) => fc.constantFrom(adam(options), adamw(options))),
)

type Action =
  | { do: 'backward'; factor: number }
  | { do: 'gradient'; layer: number; value: number }
  | { do: 'step' | 'zeroGrad' | 'save' | 'load' | 'unfreeze' | 'new optimizer' | 'move' }
  | { do: 'mask'; layer: number; seed: number }
  | { do: 'freeze'; layer: number }

const layer = fc.nat(3)
const wild = fc.oneof(
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e38, -1),
  fc.double({ min: -10, max: 10 }),
)
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('backward' as const), factor: fc.oneof(fc.constant(1), wild) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('step' as const) }) },
  fc.record({ do: fc.constant('gradient' as const), layer, value: wild }),
  fc.record({ do: fc.constant('mask' as const), layer, seed: fc.nat() }),
  fc.record({ do: fc.constant('freeze' as const), layer }),
  fc.record({
    do: fc.constantFrom('zeroGrad', 'save', 'load', 'unfreeze', 'new optimizer', 'move' as const),
  }),
)

/** Shuffled bytes of 0 and 1 that a seed gives, the first one pruned. */
function maskBytes(count: number, seed: number): Uint8Array {
  let state = seed >>> 0
  return Uint8Array.from({ length: count }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return i === 0 ? 0 : state >>> 31
  })
}

class Scene {
  readonly network: AnyNetwork
  readonly optimizers: Optimizer[]
  #saved: Map<string, ParameterState> | undefined

  constructor(
    readonly shape: readonly number[],
    layers: Layers,
    readonly spec: OptimizerSpec,
    readonly regularization: Regularization,
  ) {
    this.network = new Network(shape, layers, { device })
    this.optimizers = [Optimizer.of(this.network, spec, regularization)]
  }

  async run(action: Action): Promise<void> {
    const { network } = this
    const named = (index: number) => network.prunable[index % network.prunable.length]!
    switch (action.do) {
      case 'backward':
        if (network.frozen.length < network.prunable.length) this.#backward(action.factor)
        break
      case 'step':
        for (const optimizer of this.optimizers) optimizer.step()
        break
      case 'zeroGrad':
        this.optimizers[0]!.zeroGrad()
        break
      case 'gradient': {
        scope(() => {
          const weight = network.tensor(`${named(action.layer)}.weight`)
          weight.grad = randn(weight.shape, { device }).mul(action.value)
        })
        break
      }
      case 'mask': {
        const name = named(action.layer)
        using weight = network.tensor(`${name}.weight`)
        const { shape, numel } = weight
        const data = maskBytes(numel, action.seed)
        using keep = fromBytes({ dtype: 'uint8', shape: [...shape], data }, device)
        await network.setMask(name, keep)
        break
      }
      case 'freeze':
        network.freeze(named(action.layer))
        break
      case 'unfreeze':
        network.unfreeze()
        break
      case 'new optimizer':
        this.optimizers.push(Optimizer.of(network, this.spec, this.regularization))
        break
      case 'move':
        await network.to(device)
        break
      case 'save':
        this.#saved = this.optimizers[0]!.state()
        break
      case 'load':
        if (this.#saved !== undefined) await this.optimizers.at(-1)!.loadState(this.#saved)
    }
  }

  #backward(factor: number): void {
    scope(() => {
      const logits = this.network.forward(randn([4, ...this.shape], { device }), { training: true })
      crossEntropy(logits, randint(0, 3, [4], { device }).long())
        .mul(factor)
        .backward()
    })
  }

  dispose(): void {
    this.network.dispose()
    for (const optimizer of this.optimizers) optimizer.dispose()
  }
}

describe('masks', () => {
  it('hold whatever is done, in whatever order', async () => {
    let looked = 0
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...GRAPHS),
        spec,
        fc.constantFrom(noRegularization, l1(0.01), l2(0.1)),
        fc.array(action, { minLength: 4, maxLength: 14 }),
        async ({ shape, layers }, spec, regularization, actions) => {
          manualSeed(actions.length)
          const scene = new Scene(shape, layers, spec, regularization)
          try {
            await scene.run({ do: 'mask', layer: 1, seed: 2 })
            for (const each of actions) {
              await scene.run(each)
              looked += await expectSealed(scene.network, ...scene.optimizers)
            }
          } finally {
            scene.dispose()
          }
        },
      ),
      { numRuns: 150 },
    )
    expect(looked).to.be.above(10_000)
  })
})
