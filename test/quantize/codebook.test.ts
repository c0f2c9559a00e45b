import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { loadAddon } from '../../lib/binding/addon.js'
import { Dataset } from '../../lib/data/dataset.js'
import { readSafetensors, writeSafetensors } from '../../lib/formats/safetensors.js'
import { batchNorm2d, conv2d, flatten, linear, relu } from '../../lib/nn/layers/index.js'
import { loadNetwork } from '../../lib/nn/load.js'
import { network } from '../../lib/nn/network.js'
import { ema } from '../../lib/optim/averaging.js'
import { Optimizer } from '../../lib/optim/optimizer.js'
import { l1, l2, noRegularization } from '../../lib/optim/regularization.js'
import { adam, adamw, type OptimizerSpec, sgd } from '../../lib/optim/spec.js'
import { applyCriterion } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import { removeDeadNeurons } from '../../lib/prune/surgery/shrink.js'
import { toBytes } from '../../lib/tensor/bytes.js'
import { cuda } from '../../lib/tensor/cuda.js'
import { full, ones, randint, randn } from '../../lib/tensor/factories.js'
import { tensor } from '../../lib/tensor/from.js'
import { crossEntropy } from '../../lib/tensor/loss.js'
import { manualSeed } from '../../lib/tensor/random.js'
import { scope } from '../../lib/tensor/scope.js'
import type { Tensor } from '../../lib/tensor/tensor.js'
import { train } from '../../lib/train/train.js'
import { snapshot } from '../nn/bits.js'
import { expectClose } from '../support/close.js'
import { device } from '../support/device.js'
import { readGolden } from '../support/golden.js'
import { laterRefusal } from '../support/refusal.js'
import { expectShared, expectSharedBits, shareAll } from './shared.js'

const golden = readGolden<{
  steps: number
  batchSize: number
  layers: ('conv' | 'fc1' | 'fc2')[]
  cases: { name: string; optimizer: OptimizerSpec }[]
}>('codebook')

const SPECS: Record<string, OptimizerSpec> = {
  'plain SGD': sgd({ lr: 0.1 }),
  momentum: sgd({ lr: 0.1, momentum: 0.9 }),
  Nesterov: sgd({ lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  Adam: adam({ lr: 0.05, weightDecay: 0.1, eps: 1e-30 }),
  amsgrad: adam({ lr: 0.05, amsgrad: true }),
  AdamW: adamw({ lr: 0.05, weightDecay: 0.5 }),
}

const make = () =>
  network(
    [2, 5, 5],
    { conv: conv2d(2, 4, 3), bn: batchNorm2d(4), relu: relu(), flatten: flatten(), fc: linear(36, 7) },
    { seed: 3, device },
  )
type Net = ReturnType<typeof make>

/** A network of which half is pruned, and the rest shares values. */
async function shared(values = 5): Promise<Net> {
  const net = make()
  await applyCriterion(net, criteria.magnitude().density(0.5))
  await shareAll(net, values)
  return net
}

function backward(net: Net, factor = 1): void {
  scope(() => {
    const logits = net.forward(randn([8, 2, 5, 5], { device }), { training: true })
    crossEntropy(logits, randint(0, 7, [8], { device }).long())
      .mul(factor)
      .backward()
  })
}

async function steps(net: Net, optimizer: Optimizer, count = 3): Promise<void> {
  for (let i = 0; i < count; i++) {
    optimizer.zeroGrad()
    backward(net)
    await expectShared(net, optimizer)
    optimizer.step()
    await expectShared(net, optimizer)
  }
}

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

describe('weights of an index are equal bit for bit:', () => {
  for (const [name, plain] of Object.entries(SPECS)) {
    for (const fused of [true, false]) {
      const spec: OptimizerSpec = { ...plain, fused }
      describe(`${name}${fused ? '' : ', looped'}`, () => {
        for (const regularization of [noRegularization, l1(0.01), l2(0.01)]) {
          it(`from the moment they share on, over ${regularization.kind} regularization`, async () => {
            using net = make()
            await applyCriterion(net, criteria.magnitude().density(0.5))
            using optimizer = Optimizer.of(net, spec, regularization)
            for (let i = 0; i < 2; i++) {
              optimizer.zeroGrad()
              backward(net)
              optimizer.step()
            }
            await shareAll(net, 5) // gradients and moments are there, one for each weight
            expect(await expectShared(net, optimizer)).to.be.above(20)
            optimizer.step()
            backward(net) // adds to the gradient
            await expectShared(net, optimizer)
            const before = snapshot(net)
            await steps(net, optimizer)
            expect(snapshot(net)['fc.weight']).to.not.deep.equal(before['fc.weight'])
          })
        }

        for (const factor of [Number.POSITIVE_INFINITY, Number.NaN, 1e38]) {
          it(`through gradients times ${factor}`, async () => {
            using net = await shared()
            using optimizer = Optimizer.of(net, spec)
            for (let i = 0; i < 2; i++) {
              backward(net, factor)
              await expectShared(net, optimizer)
              optimizer.step()
              await expectShared(net, optimizer)
            }
          })
        }

        it('through gradients set by hand, changed in place, and put out by a hook', async () => {
          using net = await shared()
          using optimizer = Optimizer.of(net, spec)
          scope(() => {
            const weight = net.tensor('fc.weight')
            weight.grad = randn([7, 36], { device })
            expectSharedBits(net, optimizer)
            weight.grad!.mul_(randn([7, 36], { device }))
            optimizer.step()
            expectSharedBits(net, optimizer)
            using _hook = weight.registerHook((grad) => randn(grad.shape, { device }))
            backward(net)
            expectSharedBits(net, optimizer)
            optimizer.step()
            expectSharedBits(net, optimizer)
          })
        })

        it('for an optimizer made after it, and one that loads moments', async () => {
          using net = make()
          using old = Optimizer.of(net, spec)
          backward(net)
          old.step()
          const state = old.state()
          await shareAll(net, 6)
          using loaded = Optimizer.of(net, spec)
          await loaded.loadState(state)
          await expectShared(net, old, loaded)
          await steps(net, loaded, 2)
        })

        it('in a job, which trains what it would step by step', async () => {
          using images = randn([40, 2, 5, 5])
          using labels = randint(0, 7, [40]).long()
          using dataset = Dataset.from(images, labels)
          using net = await shared()
          using optimizer = Optimizer.of(net, spec, l1(0.001))
          const addon = loadAddon()
          const trainer = addon.trainerMake(net.handle, optimizer.handle, dataset.handle, { batchSize: 8 })
          await addon.trainerRun(trainer, { rates: [0.01], seed: 1 }).promise
          addon.trainerDispose(trainer)
          expect(optimizer.state().get('fc.weight')!.steps).to.equal(5)
          await expectShared(net, optimizer)
        })
      })
    }
  }

  it('in weights of every length, where vectors end too', async () => {
    for (let size = 1; size <= 70; size += 3) {
      using net = network([size], { fc: linear(size, 3) }, { device })
      await shareAll(net, 4)
      for (const spec of [SPECS.Adam!, { ...SPECS.AdamW!, fused: false }]) {
        using optimizer = Optimizer.of(net, spec)
        for (let i = 0; i < 3; i++) {
          scope(() =>
            crossEntropy(
              net.forward(randn([4, size], { device })),
              randint(0, 3, [4], { device }).long(),
            ).backward(),
          )
          optimizer.step()
          expectSharedBits(net, optimizer)
        }
      }
    }
  })

  it('with more values than a byte counts', async () => {
    using net = network([40], { fc: linear(40, 20) }, { device })
    await shareAll(net, 400)
    using codebook = net.codebook('fc')!.index
    expect(codebook.dtype).to.equal('int16')
    using optimizer = Optimizer.of(net, SPECS.momentum!)
    scope(() =>
      net
        .forward(randn([4, 40], { device }))
        .pow(2)
        .sum()
        .backward(),
    )
    optimizer.step()
    expect(await expectShared(net, optimizer)).to.be.above(1000)
  })

  it('in every layout and on every device', async function () {
    using net = await shared()
    using optimizer = Optimizer.of(net, SPECS.amsgrad!)
    await steps(net, optimizer, 1)
    await net.setMemoryFormat('channelsLast')
    await expectShared(net, optimizer)
    await steps(net, optimizer, 2)
    await net.setMemoryFormat('contiguous')
    await steps(net, optimizer, 1)
    if (!cuda.isAvailable()) this.skip()
    await net.to(device === 'cpu' ? 'cuda' : 'cpu')
    await expectShared(net, optimizer)
  })

  it('with an average of the weights, and layers frozen for a while', async () => {
    using net = await shared()
    using images = randn([40, 2, 5, 5])
    using labels = randint(0, 7, [40]).long()
    using dataset = Dataset.from(images, labels)
    net.freeze('conv')
    await train(net, dataset, { epochs: 2, optimizer: adam({ lr: 0.01 }), averaging: ema() })
    await expectShared(net)
    net.unfreeze()
    await train(net, dataset, { epochs: 1, optimizer: SPECS.Nesterov!, clipGradients: { norm: 0.1 } })
    await expectShared(net)
  })
})

describe('shared values', () => {
  it('sum up the gradients of their weights, over backward passes too', async () => {
    using net = await shared()
    using plain = make()
    await plain.put(await net.snapshot())
    scope(() => {
      const input = randn([4, 2, 5, 5], { device })
      const gradient = (of: Net) => {
        of.forward(input).pow(2).sum().backward()
        return Array.from(of.tensor('fc.weight').grad!.flatten().data(), Number)
      }
      const index = Array.from(net.codebook('fc')!.index.flatten().data(), Number)
      const sums = Array.from({ length: 6 }, () => 0)
      gradient(plain).forEach((value, i) => {
        if (index[i]! > 0) sums[index[i]!]! += value
      })
      const once = gradient(net)
      for (const [i, value] of once.entries()) expect(value).to.be.closeTo(sums[index[i]!]!, 1e-4)
      expect(gradient(net)).to.deep.equal(once.map((value) => 2 * value))
    })
  })

  it('have gradients of gradients', async () => {
    using net = await shared()
    scope(() => {
      const input = randn([4, 2, 5, 5], { device })
      net.forward(input).pow(2).sum().backward(undefined, { createGraph: true })
      net.tensor('fc.weight').grad!.pow(2).sum().backward()
      expect(net.tensor('fc.weight').grad!.isfinite().all().item()).to.equal(1)
    })
    await net.assertSealed()
  })

  it('are means of their clusters, and what is pruned is none of them', async () => {
    using net = make()
    await applyCriterion(net, criteria.magnitude().density(0.5))
    const before = scope(() => Array.from(net.tensor('fc.weight').detach().flatten().data(), Number))
    await shareAll(net, 5)
    scope(() => {
      const { index, values } = net.codebook('fc')!
      const [places, table] = [Array.from(index.flatten().data(), Number), Array.from(values.data(), Number)]
      expect(table.length).to.equal(6)
      expect(table[0]).to.equal(0)
      expect(places.map((place) => place === 0)).to.deep.equal(before.map((value) => value === 0))
      for (let i = 1; i < table.length; i++) {
        const own = before.filter((_, at) => places[at] === i)
        const mean = own.reduce((sum, value) => sum + value, 0) / own.length
        expect(Math.fround(mean)).to.equal(table[i])
      }
      const mask = Array.from(net.mask('fc')!.flatten().data(), Boolean)
      expect(mask).to.deep.equal(places.map((place) => place > 0))
    })
  })

  it('stay shared where some of their weights are pruned', async () => {
    using net = await shared()
    using optimizer = Optimizer.of(net, SPECS.momentum!)
    await steps(net, optimizer, 1)
    await applyCriterion(net, criteria.magnitude().density({ fc: 0.25 }))
    expect(net.codebook('fc')).to.not.equal(undefined)
    await expectShared(net, optimizer)
    await steps(net, optimizer, 1)
  })

  it('are numbered without those that no weight has', async () => {
    using net = network([4], { fc: linear(4, 1) }, { device })
    const index = tensor([9, 0, 3, 9], { shape: [1, 4], dtype: 'int64' })
    await net.put([], [{ name: 'fc.weight', kind: 'codebook', keep: index.handle }])
    scope(() => {
      const codebook = net.codebook('fc')!
      expect(Array.from(codebook.index.data(), Number)).to.deep.equal([2, 0, 1, 2])
      expect(codebook.values.shape).to.deep.equal([3])
    })
    await expectShared(net)
  })

  it('outlive dead neurons', async () => {
    using net = network([6], { fc1: linear(6, 4), relu: relu(), fc2: linear(4, 2) }, { device })
    using keep = ones([4, 6], { device })
    keep.narrow(0, 1, 1).fill_(0)
    await net.setMask('fc1', keep)
    await shareAll(net, 3)
    await removeDeadNeurons(net)
    scope(() => {
      expect(net.tensor('fc1.weight').shape).to.deep.equal([3, 6])
      expect(net.codebook('fc1')!.values.shape).to.deep.equal([4])
    })
    expect(await expectShared(net)).to.be.above(5)
  })

  it('end with another mask, or without one', async () => {
    using net = await shared()
    using keep = ones([7, 36], { device })
    await net.setMask('fc', keep)
    expect(net.codebook('fc')).to.equal(undefined)
    await net.setMask('conv', undefined)
    expect(net.codebook('conv')).to.equal(undefined)
  })

  it('are what assertSealed() looks at', async () => {
    using net = await shared()
    scope(() => {
      const weight = net.tensor('fc.weight').detach().flatten()
      const place = Array.from(net.codebook('fc')!.index.flatten().data(), Number).lastIndexOf(1)
      weight.narrow(0, place, 1).add_(1)
    })
    const { code, message } = await laterRefusal(net.assertSealed())
    expect(code).to.equal('ERR_SEAL')
    expect(message).to.match(
      /^weights that share a value are not equal, or pruned ones not \+0, in fc\.weight \(1\): /,
    )
  })
})

describe('files of shared values', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'codebook-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  it('hold index and codebook beside the weight, and bring them back', async () => {
    using net = await shared()
    const path = join(folder, 'net.safetensors')
    await net.save(path)
    const { tensors } = await readSafetensors(path)
    expect(tensors.get('fc.weight_index')).to.include({ dtype: 'uint8' })
    expect(tensors.get('fc.weight_codebook')!.shape).to.deep.equal([6])
    using again = await loadNetwork(path, { device })
    expect(snapshot(again)).to.deep.equal(snapshot(net))
    scope(() => {
      const [ours, theirs] = [net.codebook('fc')!, again.codebook('fc')!]
      expect(toBytes(theirs.index).data).to.deep.equal(toBytes(ours.index).data)
      expect(toBytes(theirs.values).data).to.deep.equal(toBytes(ours.values).data)
    })
    using optimizer = Optimizer.of(again, SPECS.Adam!)
    await steps(again as unknown as Net, optimizer, 2)
  })

  it('are refused where they contradict each other', async () => {
    using net = await shared()
    const path = join(folder, 'net.safetensors')
    await net.save(path)
    const { tensors, metadata } = await readSafetensors(path)
    const write = (change: Record<string, Tensor | undefined>) => {
      const changed = new Map(tensors)
      for (const [name, values] of Object.entries(change)) {
        if (values) changed.set(name, toBytes(values))
        else changed.delete(name)
      }
      return writeSafetensors(join(folder, 'wrong.safetensors'), {
        metadata: { 'torch-prune.graph': metadata['torch-prune.graph']! },
        tensors: changed,
      })
    }
    const seven = full([7, 36], 7, { dtype: 'uint8' })
    const cases: [Record<string, Tensor | undefined>, RegExp][] = [
      [{ 'fc.weight_codebook': undefined }, /"fc\.weight_codebook" is missing/],
      [{ 'fc.weight_index': undefined }, /"fc\.weight_index" is missing/],
      [{ 'fc.weight_index': seven }, /"fc\.weight" has an index outside of the 6 values that it shares/],
      [{ 'fc.weight_codebook': ones([6]) }, /"fc\.weight" is not made of the values that it shares/],
      [{ 'fc.weight_codebook': ones([2, 3]) }, /"fc\.weight_codebook" is no list/],
      [
        { 'fc.weight_mask': ones([7, 36], { dtype: 'uint8' }) },
        /"fc\.weight" shares values where its mask prunes/,
      ],
    ]
    for (const [change, says] of cases) {
      await write(change)
      const { code, message } = await laterRefusal(loadNetwork(join(folder, 'wrong.safetensors')))
      expect(code).to.equal('ERR_FILE')
      expect(message).to.match(says)
    }
  })

  it('come back through state dicts and checkpoints', async () => {
    using net = await shared()
    using other = make()
    const state = await net.stateDict()
    await other.loadStateDict(state)
    for (const each of Object.values(state)) each.dispose()
    await expectShared(other)
    expect(other.codebook('fc')).to.not.equal(undefined)

    using images = randn([40, 2, 5, 5])
    using labels = randint(0, 7, [40]).long()
    using dataset = Dataset.from(images, labels)
    const options = { optimizer: SPECS.momentum!, batchSize: 8, seed: 5 }
    const path = join(folder, 'checkpoint.safetensors')
    await train(net, dataset, { ...options, epochs: 1, checkpoint: { path } })
    using again = await shared()
    await train(again, dataset, { ...options, epochs: 2, checkpoint: { path } })
    await train(other, dataset, { ...options, epochs: 2 })
    expect(snapshot(again)).to.deep.equal(snapshot(other))
    await expectShared(again)
  })
})
