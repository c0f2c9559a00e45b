import { expect } from 'chai'
import { conv2d, flatten, linear, relu } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { Optimizer } from '../../lib/optim/optimizer.js'
import type { OptimizerSpec } from '../../lib/optim/spec.js'
import { crossEntropy } from '../../lib/tensor/loss.js'
import { manualSeed } from '../../lib/tensor/random.js'
import { scope } from '../../lib/tensor/scope.js'
import { expectClose } from '../support/close.js'
import { device } from '../support/device.js'
import { readGolden } from '../support/golden.js'
import { expectShared } from './shared.js'

const golden = readGolden<{
  steps: number
  batchSize: number
  layers: ('conv' | 'fc1' | 'fc2')[]
  cases: { name: string; optimizer: OptimizerSpec }[]
}>('codebook')

beforeEach(() => manualSeed(1))

describe('weights that share values train as a codebook in PyTorch:', () => {
  const { layers, steps: count, batchSize, cases } = golden.fixture
  for (const { name, optimizer: spec } of cases) {
    for (const fused of [true, false]) {
      it(`${name}${fused ? '' : ', looped'}`, async () => {
        using net = network(
          [1, 6, 6],
          {
            conv: conv2d(1, 4, 3),
            relu: relu(),
            flatten: flatten(),
            fc1: linear(64, 20),
            relu1: relu(),
            fc2: linear(20, 4),
          },
          { device },
        )
        const parameters = layers.flatMap((layer) => [`${layer}.weight`, `${layer}.bias`] as const)
        await net.put(
          parameters.map((each) => [each, golden.tensor(`initial.${each}`)]),
          layers.map((layer) => ({
            name: `${layer}.weight`,
            kind: 'codebook',
            keep: golden.tensor(`index.${layer}`).handle,
          })),
        )
        using optimizer = Optimizer.of(net, { ...spec, fused } as OptimizerSpec)
        const [images, labels] = [golden.tensor('images'), golden.tensor('labels')]
        for (let step = 0; step < count; step++) {
          scope(() => {
            const first = (step * batchSize) % images.shape[0]!
            const loss = crossEntropy(
              net.forward(images.narrow(0, first, batchSize), { training: true }),
              labels.narrow(0, first, batchSize),
            )
            optimizer.zeroGrad()
            loss.backward()
            optimizer.step()
            expectClose(
              loss.detach(),
              golden.tensor(`${name}.loss`).select(0, step),
              `loss ${step}`,
              'training',
            )
          })
        }
        expect(await expectShared(net, optimizer)).to.be.above(20)
        for (const each of parameters) {
          using values = net.tensor(each)
          expectClose(values.detach(), golden.tensor(`${name}.${each}`), each, 'training')
        }
      })
    }
  }
})
