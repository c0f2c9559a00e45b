import { expect } from 'chai'
import { jobThreads, setJobThreads } from '../../lib/binding/threads.js'
import { Dataset } from '../../lib/data/dataset.js'
import { linear, relu } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { sgd } from '../../lib/optim/spec.js'
import { applyCriterion } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import { tensor } from '../../lib/tensor/from.js'
import { train } from '../../lib/train/train.js'
import { snapshot } from '../nn/bits.js'
import { device } from '../support/device.js'
import { numbers } from './toy.js'

// Layers wide enough that threads share them out, in halves that are not equal.
const wide = () =>
  network(
    [150],
    {
      fc1: linear(150, 301),
      relu1: relu(),
      fc2: linear(301, 121, { bias: false }),
      relu2: relu(),
      fc3: linear(121, 5),
    },
    { seed: 2, device },
  )

describe('training on several threads', () => {
  const before = jobThreads()
  after(() => setJobThreads(before))

  async function trained(threads: number, prepare: (net: ReturnType<typeof wide>) => Promise<void>) {
    setJobThreads(threads)
    using pixels = tensor(numbers(40 * 150), { shape: [40, 150] })
    using labels = tensor(
      Array.from({ length: 40 }, (_, i) => i % 5),
      { dtype: 'int64' },
    )
    const dataset = Dataset.from(pixels, labels)
    using net = wide()
    await prepare(net)
    const optimizer = sgd({ lr: 0.05, momentum: 0.9, nesterov: true, weightDecay: 1e-3 })
    await train(net, dataset, { epochs: 5, batchSize: 16, optimizer })
    await net.assertSealed()
    return Object.entries(snapshot(net)).map(
      ([name, bytes]) => [name, new Float32Array(bytes.buffer)] as const,
    )
  }

  const cases = {
    'a dense network': async () => {},
    'a pruned one': (net) => applyCriterion(net, criteria.magnitude().density({ fc1: 0.1, fc2: 0.3 })),
    'one whose first layer is frozen': async (net) => net.freeze('fc1'),
  } satisfies Record<string, (net: ReturnType<typeof wide>) => Promise<unknown>>

  for (const [what, prepare] of Object.entries(cases)) {
    it(`gives ${what} the weights that one thread gives`, async () => {
      const prepared = async (net: ReturnType<typeof wide>) => void (await prepare(net))
      const three = new Map(await trained(3, prepared))
      for (const [name, expected] of await trained(1, prepared)) {
        const actual = three.get(name)!
        const largest = Math.max(...expected.map(Math.abs))
        const far = expected.findIndex((value, i) => !(Math.abs(actual[i]! - value) <= 1e-5 * largest))
        expect(far, name).to.equal(-1)
      }
    })
  }
})
