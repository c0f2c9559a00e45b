import { tmpdir } from 'node:os'
import { expect } from 'chai'
import fc from 'fast-check'
import { Dataset } from '../../lib/data/dataset.js'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { batchNorm2d, conv2d, dropout, flatten, linear, relu } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { sgd } from '../../lib/optim/spec.js'
import type { PruneOptions } from '../../lib/prune/options.js'
import { prune } from '../../lib/prune/prune.js'
import { criteria } from '../../lib/prune/score/index.js'
import { noGrad } from '../../lib/tensor/autograd.js'
import { full, zeros } from '../../lib/tensor/factories.js'
import { tensor } from '../../lib/tensor/from.js'
import { snapshot } from '../nn/bits.js'
import { device } from '../support/device.js'
import { refusal } from '../support/refusal.js'
import { numbers } from '../train/toy.js'

const SAMPLES = 17

function images(change: (pixels: Float32Array, classes: number[]) => void = () => {}, side = 4): Dataset {
  const pixels = numbers(SAMPLES * side * side)
  const classes = Array.from({ length: SAMPLES }, (_, i) => i % 3)
  change(pixels, classes)
  using values = tensor(pixels, { shape: [SAMPLES, 1, side, side] })
  using labels = tensor(classes, { dtype: 'int64' })
  return Dataset.from(values, labels)
}

/** A network that a refused call has much to spoil in. */
async function made() {
  const net = network(
    [1, 4, 4],
    {
      conv: conv2d(1, 4, 4),
      bn: batchNorm2d(4),
      relu: relu(),
      flat: flatten(),
      drop: dropout(0.25),
      fc1: linear(4, 8),
      fc2: linear(8, 3),
    },
    { seed: 1, device },
  )
  await net.setMask(
    'fc1',
    tensor(
      numbers(32).map((value) => (value > -0.5 ? 1 : 0)),
      { shape: [8, 4] },
    ),
  )
  net.freeze('fc2')
  return net
}

function stateOf(net: Awaited<ReturnType<typeof made>>) {
  const masks = net.prunable.map((layer) => net.mask(layer)?.toArray())
  return { weights: snapshot(net), masks, dropout: net.dropout('drop'), ...formatOf(net) }
}

function formatOf({ frozen, memoryFormat, spliced }: AnyNetwork) {
  return { frozen, memoryFormat, spliced }
}

interface Call {
  data: { train: Dataset; validation: Dataset }
  options: PruneOptions
}
const retraining = (more: object) => (call: Call) => {
  call.options = { ...call.options, retrain: { ...call.options.retrain, ...more } }
}
const pruning = (more: object) => (call: Call) => {
  call.options = { ...call.options, ...more }
}
const logits = (value: number, shape = [SAMPLES, 3]) => ({ distillation: { teacher: full(shape, value) } })

/** Each makes a call that is right into one that is not. */
const wrongs: Record<string, (call: Call) => void> = {
  'no epochs': retraining({ epochs: 0 }),
  'half a batch': retraining({ batchSize: 2.5 }),
  'a last batch of one': retraining({ batchSize: 16, dropLast: false }),
  'no batch at all': retraining({ batchSize: 32, dropLast: true }),
  'no optimizer': retraining({ optimizer: undefined }),
  'a label smoothing of 2': retraining({ loss: { kind: 'crossEntropy', labelSmoothing: 2 } }),
  'a schedule by name': retraining({ schedule: 'cosine' }),
  'an average by name': retraining({ averaging: 'swa' }),
  'an unknown autocast': retraining({ autocast: 'float8' }),
  'an unknown memory format': retraining({ memoryFormat: 'nhwc' }),
  'an unknown change of samples': retraining({ augment: { flips: true } }),
  'a crop that memory does not have': retraining({ augment: { resizedCrop: true } }),
  'a teacher of other samples': retraining(logits(0, [3, 3])),
  'a teacher of other classes': retraining(logits(0, [SAMPLES, 4])),
  'a teacher without numbers': retraining(logits(Number.NaN)),
  'a temperature of 0': retraining({ distillation: { temperature: 0 } }),
  'images that shrink too far': retraining({ progressiveResizing: { initialScale: 0.5, sizeIncrement: 1 } }),
  'a cache of one augmentation': retraining({ cachePrefix: true, augment: { flip: true } }),
  'a cache without a place': retraining({ cachePrefix: true, cacheMemory: 0, cacheDir: '/nowhere' }),
  'a checkpoint that is a folder': pruning({ checkpoint: { path: tmpdir() } }),
  'a checkpoint without a folder': pruning({ checkpoint: { path: '/nowhere/position' } }),
  'no rounds': pruning({ rounds: 0 }),
  'no round at the second pace': pruning({ densitySchedule: { density: 0.6, rounds: 2 } }),
  'no phases': pruning({ phases: [] }),
  'a layer that is not there': pruning({ criterion: criteria.magnitude().density({ fc9: 0.5 }) }),
  'a criterion that leaves nothing': pruning({ criterion: criteria.magnitude().deviation(1e6) }),
  'scores of another shape': pruning({ criterion: criteria.scores(() => zeros([1])).global(0.5) }),
  'samples of another shape': (call) => {
    call.data = { ...call.data, train: images(undefined, 5) }
  },
  'validation of another shape': (call) => {
    call.data = { ...call.data, validation: images(undefined, 5) }
  },
  'a class too many': (call) => {
    call.data = { ...call.data, train: images((_, classes) => classes.fill(3, 16)) }
  },
  'a class too many in validation': (call) => {
    call.data = { ...call.data, validation: images((_, classes) => classes.fill(3, 16)) }
  },
  'a sample without numbers': (call) => {
    call.data = { ...call.data, train: images((pixels) => pixels.fill(Number.NaN, 20, 21)) }
  },
  'infinite validation samples': (call) => {
    call.data = { ...call.data, validation: images((pixels) => pixels.fill(Number.POSITIVE_INFINITY, 20)) }
  },
}

const right = (): Call => ({
  data: { train: images(), validation: images() },
  options: {
    criterion: criteria.magnitude().density(0.5),
    rounds: 2,
    phases: ['fc', 'conv'],
    retrain: {
      epochs: 1,
      optimizer: sgd({ lr: 0.1 }),
      batchSize: 8,
      dropLast: true,
      memoryFormat: 'channelsLast',
    },
  },
})

describe('pruning that is refused', () => {
  it('leaves the network as it was: weights, masks, dropout, what is frozen, memory format', async () => {
    using net = await made()
    const before = stateOf(net)
    const refused = async (names: readonly string[]) => {
      const call = right()
      // The network as it comes teaches, where nobody else does.
      for (const name of names) wrongs[name]!(call)
      const work = (async () => prune(net as AnyNetwork, call.data, call.options))()
      const error = await work.then(
        () => expect.fail(`${names.join(', ')}: it was accepted`),
        (cause: unknown) => cause,
      )
      const { message } = refusal(() => {
        throw error
      })
      expect(stateOf(net), `${names.join(', ')}: ${message}`).to.deep.equal(before)
    }
    for (const name of Object.keys(wrongs)) await refused([name])
    const some = fc.subarray(Object.keys(wrongs), { minLength: 2, maxLength: 4 })
    await fc.assert(fc.asyncProperty(some, refused), { numRuns: 25 })
  })

  it('for weights without numbers leaves those, too', async () => {
    using net = await made()
    using weight = net.tensor('conv.weight')
    noGrad(() => void weight.view([-1]).slice(0, 0, 5).fill_(Number.NaN))
    const before = stateOf(net)
    const { data, options } = right()
    const error = await prune(net as AnyNetwork, data, options).catch((cause: unknown) => cause)
    expect(error).to.include({ code: 'ERR_ARGUMENT' })
    expect((error as Error).message).to.match(/conv\.weight holds 5 NaN of 64 values/)
    expect(stateOf(net)).to.deep.equal(before)
  })

  it('is accepted where nothing is wrong', async () => {
    using net = await made()
    const { data, options } = right()
    const { rounds } = await prune(net as AnyNetwork, data, options)
    expect(rounds.at(-1)!.density).to.be.closeTo(0.5, 0.05)
    expect(net.memoryFormat).to.equal('channelsLast')
    expect(net.frozen).to.deep.equal(['fc2'])
  })
})
