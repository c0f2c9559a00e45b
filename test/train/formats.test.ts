import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { ComputeOptions, MemoryFormat } from '../../lib/base/compute.js'
import { Dataset } from '../../lib/data/dataset.js'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { Network } from '../../lib/nn/network.js'
import { Optimizer } from '../../lib/optim/optimizer.js'
import { adam, adamw, type OptimizerSpec, sgd } from '../../lib/optim/spec.js'
import { prune } from '../../lib/prune/prune.js'
import { criteria } from '../../lib/prune/score/index.js'
import { crossEntropy } from '../../lib/tensor/loss.js'
import { scope } from '../../lib/tensor/scope.js'
import type { Tensor } from '../../lib/tensor/tensor.js'
import { evaluate, predict } from '../../lib/train/evaluate.js'
import { train } from '../../lib/train/train.js'
import { type GoldenLayer, layersFrom } from '../nn/from_golden.js'
import { expectSealed } from '../prune/sealed.js'
import { device } from '../support/device.js'
import { readGolden } from '../support/golden.js'
import { laterRefusal } from '../support/refusal.js'
import { tolerance } from '../support/tolerance.js'

interface Case extends Required<ComputeOptions> {
  readonly name: string
}

const { fixture, tensor } = readGolden<{ layers: GoldenLayer[]; cases: Case[] }>('formats')
const STEPS = 5
const ON_GPU = device !== 'cpu'

async function prepared(masked = true): Promise<AnyNetwork> {
  const net = new Network([3, 10, 10], layersFrom(fixture.layers), { device })
  for (const name of net.tensorNames()) {
    using values = tensor(`initial.${name}`)
    await net.put([[name, values]])
  }
  for (const layer of masked ? net.prunable : []) {
    using keep = tensor(`${layer}.keep`)
    await net.setMask(layer, keep)
  }
  return net
}

function images(): Dataset {
  using samples = tensor('images').to('cpu')
  using labels = tensor('labels').to('cpu')
  return Dataset.from(samples, labels)
}

/** All images are one batch, so that an epoch is a step. */
const training = {
  epochs: STEPS,
  batchSize: 16,
  optimizer: sgd({ lr: 0.1, momentum: 0.9, weightDecay: 5e-4 }),
}

/** The largest difference of any element. */
function apart(a: AnyNetwork, b: (name: string) => ReturnType<typeof tensor>): number {
  return scope(() =>
    Math.max(
      ...a.tensorNames().map((name) => {
        const [ours, theirs] = [a.tensor(name).detach().float(), b(name).float()]
        return ours.sub(theirs).abs().max().item() as number
      }),
    ),
  )
}

describe('memory formats and autocast', () => {
  for (const { name, memoryFormat, autocast } of fixture.cases) {
    it(`train as PyTorch does: ${name}, masked`, async () => {
      using net = await prepared()
      const { epochs } = await train(net, images(), { ...training, memoryFormat, autocast })
      const dtype = autocast === 'none' ? 'float32' : 'bfloat16'
      const close = tolerance(autocast === 'none' ? 'sum' : 'autocast', dtype).atol
      using losses = tensor(`${name}.losses`)
      const theirs = losses.data()
      for (const [step, { loss }] of epochs.entries())
        expect(loss).to.be.closeTo(theirs[step] as number, close)
      const farthest = tolerance('training', dtype).atol
      expect(apart(net, (key) => tensor(`${name}.${key}`))).to.be.below(farthest)
      expect(await expectSealed(net)).to.be.above(500)
      expect(net.memoryFormat).to.equal(memoryFormat)
    })
  }

  it('compute in bfloat16 when asked, and in float32 again after it', async () => {
    using net = await prepared()
    const loss = async (options: ComputeOptions) => (await evaluate(net, images(), options)).loss
    const exact = await loss({})
    expect(Math.abs((await loss({ autocast: 'bfloat16' })) - exact))
      .to.be.above(1e-5)
      .and.below(1e-2)
    expect(await loss({ autocast: 'none' })).to.equal(exact)
  })

  it('agree in evaluation to 1e-5, and save the same file', async () => {
    using net = await prepared()
    const files = [0, 1].map((i) => join(tmpdir(), `torch-prune-formats-${process.pid}-${i}.safetensors`))
    try {
      using plain = await predict(net, images())
      await net.save(files[0]!)
      using other = await predict(net, images(), { memoryFormat: 'channelsLast' })
      await net.save(files[1]!)
      // On a GPU they go through TF32.
      const close = ON_GPU ? { rtol: 2e-3, atol: 2e-3 } : { rtol: 1e-5, atol: 1e-6 }
      expect(plain.allclose(other, close)).to.equal(true)
      expect(readFileSync(files[0]!).equals(readFileSync(files[1]!))).to.equal(true)
    } finally {
      for (const file of files) rmSync(file, { force: true })
    }
  })

  const specs: Record<string, OptimizerSpec> = {
    sgd: sgd({ lr: 0.05, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
    'sgd, looped': sgd({ lr: 0.05, momentum: 0.9, fused: false }),
    // Batch normalization leaves the bias before it no gradient but rounding, which a small eps would blow up.
    adam: adam({ lr: 0.01, eps: 1e-3, amsgrad: true, weightDecay: 0.01 }),
    adamw: adamw({ lr: 0.01, eps: 1e-3, weightDecay: 0.01 }),
  }
  for (const [what, spec] of Object.entries(specs)) {
    it(`change between steps as if they had not, gradients, moments and masks with them: ${what}`, async () => {
      using still = await prepared(false)
      using turning = await prepared(false)
      using one = Optimizer.of(still, spec)
      using other = Optimizer.of(turning, spec)
      const step = (net: AnyNetwork, optimizer: Optimizer, fresh: boolean) =>
        scope(() => {
          if (fresh) optimizer.zeroGrad()
          const logits = net.forward(tensor('images'), { training: true })
          crossEntropy(logits, tensor('labels')).backward()
          optimizer.step()
        })
      const formats: MemoryFormat[] = ['contiguous', 'channelsLast', 'channelsLast', 'contiguous']
      for (const [i, format] of formats.entries()) {
        await turning.setMemoryFormat(format)
        // Every other step adds to the gradient that is there.
        step(still, one, i % 2 === 0)
        step(turning, other, i % 2 === 0)
        if (i === 1) {
          for (const layer of still.prunable) {
            using keep = tensor(`${layer}.keep`)
            await still.setMask(layer, keep)
            await turning.setMask(layer, keep)
          }
        }
        if (i >= 1) expect(await expectSealed(turning, other)).to.be.above(1000)
      }
      expect(apart(turning, (name) => still.tensor(name).detach())).to.be.below(ON_GPU ? 2e-2 : 1e-4)
    })
  }

  it('hold masks that a criterion sets, through rounds of pruning in both', async () => {
    using net = await prepared(false)
    const data = { train: images(), validation: images() }
    await prune(net, data, {
      criterion: criteria.magnitude().density(0.3),
      rounds: 2,
      retrain: { ...training, epochs: 2, memoryFormat: 'channelsLast', autocast: 'bfloat16' },
    })
    expect(await expectSealed(net)).to.be.above(1000)
    expect(net.memoryFormat).to.equal('channelsLast')
  })

  it('give the frozen layers in front a cache that trains to the same weights', async () => {
    using plain = await prepared()
    using cached = await prepared()
    const options: ComputeOptions = { memoryFormat: 'channelsLast', autocast: 'bfloat16' }
    for (const net of [plain, cached]) net.freeze('conv1', 'bn1')
    await train(plain, images(), { ...training, ...options })
    await train(cached, images(), { ...training, ...options, cachePrefix: true })
    expect(apart(cached, (name) => plain.tensor(name).detach())).to.be.below(ON_GPU ? 1e-2 : 1e-6)
  })

  it('ask a teacher in bfloat16 too', async () => {
    const compute: ComputeOptions = { autocast: 'bfloat16' }
    using network = await prepared()
    using logits = await predict(network, images(), compute)
    using exact = await predict(network, images())
    const lossWith = async (teacher: AnyNetwork | Tensor) => {
      using net = await prepared()
      const { epochs } = await train(net, images(), { ...training, ...compute, distillation: { teacher } })
      return epochs.at(-1)!.loss
    }
    const loss = await lossWith(network)
    expect(loss).to.equal(await lossWith(logits))
    expect(loss).to.not.equal(await lossWith(exact))
  })

  it('are refused by name where there is no such thing', async () => {
    using net = await prepared()
    const wrong = async (options: object) => {
      const error = await laterRefusal((async () => train(net, images(), { ...training, ...options }))())
      expect(error.code).to.equal('ERR_ARGUMENT')
      return error.message
    }
    expect(await wrong({ memoryFormat: 'nhwc' })).to.match(/'contiguous' or 'channelsLast', got 'nhwc'/)
    expect(await wrong({ autocast: 'float8' })).to.match(/'bfloat16', 'float16' or 'none', got 'float8'/)
    expect((await laterRefusal(evaluate(net, images(), { autocast: 'fp8' as 'none' }))).code).to.equal(
      'ERR_ARGUMENT',
    )
  })
})
