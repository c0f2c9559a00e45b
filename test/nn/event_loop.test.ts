import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { loadAddon } from '../../lib/binding/addon.js'
import type { Native } from '../../lib/binding/native.js'
import { Dataset } from '../../lib/data/dataset.js'
import { dropout, linear, relu } from '../../lib/nn/layers/index.js'
import { loadNetwork } from '../../lib/nn/load.js'
import { network } from '../../lib/nn/network.js'
import { loadWeights } from '../../lib/nn/weights_file.js'
import { ema } from '../../lib/optim/averaging.js'
import { Optimizer } from '../../lib/optim/optimizer.js'
import { sgd } from '../../lib/optim/spec.js'
import { applyCriterion } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import { removeDeadNeurons } from '../../lib/prune/surgery/shrink.js'
import { noGrad } from '../../lib/tensor/autograd.js'
import { ones, rand, zeros } from '../../lib/tensor/factories.js'
import { scope } from '../../lib/tensor/scope.js'
import { Tensor } from '../../lib/tensor/tensor.js'
import { evaluate } from '../../lib/train/evaluate.js'
import { train } from '../../lib/train/train.js'
import { device } from '../support/device.js'
import { microtasks, toyData, toyNetwork } from '../train/toy.js'
import { snapshot } from './bits.js'

/** Of a million parameters and a few more: its initial weights are drawn off the event loop. */
const large = (seed = 0) =>
  network(
    [1000],
    { fc1: linear(1000, 1000), relu: relu(), drop: dropout(0.5), fc2: linear(1000, 4) },
    { seed, device },
  )

function data(): Dataset {
  using images = rand([4, 1000])
  using labels = zeros([4], { dtype: 'int64' })
  return Dataset.from(images, labels)
}

describe('a network of a million weights', () => {
  let folder: string
  let file: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'event-loop-'))
    file = join(folder, 'network.safetensors')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const made = async () => {
    const net = large()
    await applyCriterion(net, criteria.magnitude().density(0.1))
    await net.save(file)
    return net
  }
  type Made = Awaited<ReturnType<typeof made>>
  const checkpoint = () => ({
    epochs: 2,
    optimizer: sgd({ lr: 0.1, momentum: 0.9 }),
    averaging: ema(0.5),
    checkpoint: { path: join(folder, 'training.safetensors'), minutes: 0 },
  })
  const work: Record<string, (net: Made) => Promise<unknown>> = {
    'is saved': (net) => net.save(file),
    'is exported': (net) => net.export(`${file}.onnx`),
    'is coded': (net) => net.export(`${file}.tpz`),
    'is decoded': async (net) => {
      await net.export(`${file}.tpz`)
      ;(await loadNetwork(`${file}.tpz`, { device })).dispose()
    },
    'is loaded into': (net) => loadWeights(net, file),
    'is loaded': async () => (await loadNetwork(file, { device })).dispose(),
    'is masked': (net) => net.setMask('fc1', net.mask('fc1')),
    'is spliced': (net) => net.splice('fc1'),
    'is pruned by Fisher information': (net) =>
      applyCriterion(net, criteria.fisher({ batches: 1 }).global(0.05), { data: data() }),
    'is checked': (net) => net.assertSealed(),
    'is moved': (net) => net.to(device),
    'is laid out': (net) => net.setMemoryFormat('channelsLast'),
    'is shrunk': (net) => removeDeadNeurons(net, { certify: data() }),
    'is made and trained': async () => {
      using net = large(1)
      const samples = data()
      await train(net, samples, checkpoint())
      await train(net, samples, checkpoint())
    },
    'is sealed': async (net) => {
      await net.splice('fc1')
      await net.seal()
    },
  }
  for (const [what, attempt] of Object.entries(work)) {
    it(`${what} off the event loop`, async () => {
      using net = await made()
      const restore = refuseLongCalls()
      try {
        let done = false
        const working = attempt(net).then(() => {
          done = true
        })
        await microtasks()
        expect(done, 'before the event loop has turned').to.equal(false)
        await working
      } finally {
        restore()
      }
    })
  }

  it('has the weights that drawing them at once gives, whoever draws them', async () => {
    const native = loadAddon()
    using later = large(3)
    await later.ready()
    using eager = large(3) // in use before anybody has drawn them
    const expected = snapshot(later)
    expect(snapshot(eager)).to.deep.equal(expected)
    using wide = large(3)
    native.networkDraw(wide.handle)
    expect(snapshot(wide)).to.deep.equal(expected)
    const draws = (net: Made) => {
      using input = ones([2, 1000], { device })
      return scope(() => noGrad(() => net.forward(input, { training: true })).data())
    }
    expect(draws(eager), 'dropout goes on from where they end').to.deep.equal(draws(later))
  })

  it('is loaded without drawing weights that the file replaces', async () => {
    using net = await made()
    const native = loadAddon()
    const { networkDraw, networkDrawStart } = native
    const drawn: string[] = []
    native.networkDraw = (handle) => {
      drawn.push('at once')
      networkDraw(handle)
    }
    native.networkDrawStart = (handle) => {
      drawn.push('later')
      return networkDrawStart(handle)
    }
    try {
      using loaded = await loadNetwork(file, { device })
      expect(drawn).to.deep.equal([])
      expect(snapshot(loaded)).to.deep.equal(snapshot(net))
      await large().ready()
      expect(drawn).to.deep.equal(['later'])
    } finally {
      Object.assign(native, { networkDraw, networkDrawStart })
    }
  })

  it('can be used at once while another one trains, and disposed of at any time', async () => {
    using other = toyNetwork()
    const training = train(other, toyData(512), { epochs: 20, batchSize: 4, optimizer: sgd({ lr: 0.01 }) })
    large().dispose()
    using net = large()
    using weight = net.tensor('fc1.weight')
    expect(weight.detach().abs().max().item()).to.be.within(0.03, 0.0317)
    const short = large(5)
    const job = evaluate(short, data())
    short.dispose()
    expect((await job).samples).to.equal(4)
    await training
  })

  it('trains as one whose weights were there before', async () => {
    using waiting = large(2)
    await waiting.ready()
    using eager = large(2)
    const options = { epochs: 2, optimizer: sgd({ lr: 0.1, momentum: 0.9 }) }
    using samples = data()
    await Promise.all([train(waiting, samples, options), train(eager, samples, options)])
    expect(snapshot(eager)).to.deep.equal(snapshot(waiting))
  })

  it('is saved as it is when that begins', async () => {
    using net = large(1)
    await net.ready()
    const before = snapshot(net)
    const saving = net.save(file)
    await null
    await null
    noGrad(() => scope(() => net.tensor('fc1.weight').zero_()))
    await saving
    using again = await loadNetwork(file, { device })
    expect(snapshot(again)).to.deep.equal(before)
  })
})

describe('the copy of a mask', () => {
  it('is its own: writing to it does not reach the mask, nor the other way round', async () => {
    using net = toyNetwork()
    await applyCriterion(net, criteria.magnitude().density(0.5))
    using copy = net.mask('fc1')!
    using kept = net.mask('fc1')!
    const before = [...kept.data()]
    copy.fill_(true)
    expect([...net.mask('fc1')!.data()], 'the mask').to.deep.equal(before)
    await net.assertSealed()
    await applyCriterion(net, criteria.magnitude().density(0.25))
    expect([...kept.data()], 'the copy').to.deep.equal(before)
    expect([...net.mask('fc1')!.data()]).to.not.deep.equal(before)
  })
})

describe("a state of an optimizer's", () => {
  it('stays as it was while the optimizer goes on', async () => {
    using net = toyNetwork()
    using optimizer = Optimizer.of(net, sgd({ lr: 0.1, momentum: 0.9 }))
    const step = () => {
      using input = ones([2, 6], { device })
      scope(() => net.forward(input).sum().backward())
      optimizer.step()
    }
    step()
    const moment = optimizer.state().get('fc1.weight')!.moments.momentum_buffer!
    const before = [...moment.data()]
    step()
    expect([...moment.data()]).to.deep.equal(before)
    expect([...optimizer.state().get('fc1.weight')!.moments.momentum_buffer!.data()]).to.not.deep.equal(
      before,
    )
  })
})

/** Until it is called back: calls of the addon that take as long as a tensor is large throw for a large one. */
function refuseLongCalls(): () => void {
  const native = loadAddon() as { -readonly [Name in keyof Native]: Native[Name] }
  const { fromBytes, toBytes, networkForward, networkDraw, to } = native
  const elements = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1)
  const check = (what: string, count: number, most = 1e5) => {
    if (count > most) throw new Error(`${what} of ${count} elements or bytes on the event loop`)
  }
  native.fromBytes = (bytes, dtype, shape, on) => {
    check('fromBytes', bytes.byteLength, 2 ** 20)
    return fromBytes(bytes, dtype, shape, on)
  }
  native.toBytes = (tensor) => {
    check('toBytes', elements(native.tensorDescribe(tensor).shape))
    return toBytes(tensor)
  }
  native.to = (tensor, on, dtype) => {
    check('to', elements(native.tensorDescribe(tensor).shape))
    return to(tensor, on, dtype)
  }
  native.networkForward = () => expect.fail('a forward pass on the event loop')
  native.networkDraw = (handle) => {
    for (const { shape } of native.networkTensors(handle)) check('networkDraw', elements(shape))
    return networkDraw(handle)
  }
  const eager = Tensor.prototype as unknown as Record<string, (this: Tensor, ...values: unknown[]) => unknown>
  const names = ['abs', 'add', 'mul', 'square', 'sub']
  const operators = Object.fromEntries(names.map((name) => [name, eager[name]!]))
  for (const [name, operator] of Object.entries(operators)) {
    eager[name] = function (...values) {
      check(name, this.numel)
      return operator.apply(this, values)
    }
  }
  return () => {
    Object.assign(native, { fromBytes, toBytes, networkForward, networkDraw, to })
    Object.assign(eager, operators)
  }
}
