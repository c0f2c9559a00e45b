import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { readSafetensors, writeSafetensors } from '../../lib/formats/safetensors.js'
import { batchNorm2d, conv2d, flatten, linear, relu } from '../../lib/nn/layers/index.js'
import { loadNetwork } from '../../lib/nn/load.js'
import { network } from '../../lib/nn/network.js'
import { loadWeights } from '../../lib/nn/weights_file.js'
import { noGrad } from '../../lib/tensor/autograd.js'
import { type TensorBytes, toBytes } from '../../lib/tensor/bytes.js'
import { tensor } from '../../lib/tensor/from.js'
import { expectClose } from '../support/close.js'
import { device } from '../support/device.js'
import { readGolden } from '../support/golden.js'
import { refusedWith } from '../support/refusal.js'
import { golden } from './torch_golden.js'

const trained = () =>
  network(
    [1, 2, 2],
    { conv: conv2d(1, 2, 2), bn: batchNorm2d(2), flatten: flatten(), fc: linear(2, 3) },
    { device },
  )
const mlp = () => network([6], { fc1: linear(6, 5), relu: relu(), fc2: linear(5, 3) }, { device })
const masked = () =>
  network(
    [1, 6, 6],
    {
      ...{ conv: conv2d(1, 3, 3), bn: batchNorm2d(3), relu1: relu(), flatten: flatten() },
      ...{ fc1: linear(48, 6), relu2: relu(), fc2: linear(6, 4) },
    },
    { device },
  )

describe('weights from Python', () => {
  let folder: string
  let file: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'torch-prune-foreign-'))
    file = join(folder, 'net.safetensors')
  })
  after(() => rmSync(folder, { recursive: true }))

  /** Writes tensors under other names than the network's. */
  async function renamed(rename: (name: string) => string, more: Record<string, TensorBytes> = {}) {
    using net = mlp()
    await net.save(file)
    const { tensors } = await readSafetensors(file)
    const entries = [...tensors].map(([name, data]) => [rename(name), data] as const)
    await writeSafetensors(file, { metadata: {}, tensors: new Map([...entries, ...Object.entries(more)]) })
  }

  it('load from under the prefix of a wrapper, which is said', async () => {
    using net = trained()
    expect(await loadWeights(net, golden('prefixed.pt'))).to.deep.equal({
      prefix: 'module._orig_mod.',
      masked: [],
    })
    using plain = trained()
    expect(await loadWeights(plain, golden('checkpoint.pt'))).to.deep.equal({ prefix: '', masked: [] })
    for (const name of net.tensorNames()) {
      using a = net.tensor(name)
      using b = plain.tensor(name)
      expect(a.equal(b), name).to.equal(true)
    }
  })

  it('load from under any prefix that all names share', async () => {
    await renamed((name) => `encoder.body.${name}`)
    using net = mlp()
    expect((await loadWeights(net, file)).prefix).to.equal('encoder.body.')
  })

  it('are refused where a prefix leaves others over, or does not hold for all', async () => {
    const more = {
      'criterion.weight': { dtype: 'uint8', shape: [1], data: new Uint8Array(1) },
    } satisfies Record<string, TensorBytes>
    await renamed((name) => `model.${name}`, more)
    using net = mlp()
    expect(await refusedWith(loadWeights(net, file))).to.match(
      /tensor "criterion\.weight" belongs to no layer of the network/,
    )
    await renamed((name) => (name === 'fc2.bias' ? name : `model.${name}`))
    expect(await refusedWith(loadWeights(net, file))).to.match(/"fc1\.weight".* are missing/)
  })

  it('keep the masks of torch.nn.utils.prune, sealed, with the dense weights under them gone', async () => {
    using net = mlp()
    expect((await loadWeights(net, golden('pruned.pt'))).masked).to.deep.equal(['fc1', 'fc2'])
    await net.assertSealed()
    const { tensors } = await readSafetensors(golden('pruned.safetensors'))
    for (const [name, { data }] of tensors) {
      using own = net.tensor(name as ReturnType<typeof net.tensorNames>[number])
      using ours = own.detach().add(0).flatten()
      // A product in Python leaves −0 where ours has +0.
      const theirs = new Float32Array(data.slice().buffer).map((value) => value + 0)
      expect(ours.toArray(), name).to.deep.equal([...theirs])
    }
    using mask = net.mask('fc1')
    expect(mask?.sum().item()).to.equal(12)
  })

  it('with the masks of torch.nn.utils.prune compute here what they do there, and go back as PyTorch takes them', async () => {
    const { keys, tensor } = readGolden('masks')
    const stateOf = (owner: string) => {
      const names = keys.filter((key) => key.startsWith(`${owner}.`))
      return new Map(names.map((key) => [key.slice(owner.length + 1), toBytes(tensor(key))]))
    }
    await writeSafetensors(file, { metadata: {}, tensors: stateOf('theirs') })
    using net = masked()
    expect((await loadWeights(net, file)).masked).to.deep.equal(['conv', 'fc1', 'fc2'])
    await net.assertSealed()
    using input = tensor('input')
    using output = noGrad(() => net.forward(input))
    using expected = tensor('output')
    expectClose(output, expected, 'outputs')
    await net.save(file, { masks: 'weight_orig' })
    const { tensors } = await readSafetensors(file)
    const ours = stateOf('ours')
    expect([...tensors.keys()]).to.have.members([...ours.keys()])
    for (const [name, stored] of ours) expect(tensors.get(name), name).to.deep.equal(stored)
  })

  it('are refused with masks that hold other values than 0 and 1, or have another shape', async () => {
    using weight = tensor(new Float32Array(30).fill(0.5), { shape: [5, 6] })
    const half = toBytes(weight)
    await renamed((name) => (name === 'fc1.weight' ? 'fc1.weight_orig' : name), { 'fc1.weight_mask': half })
    using net = mlp()
    expect(await refusedWith(loadWeights(net, file))).to.match(
      /tensor "fc1\.weight_mask" is a mask and holds other values than 0 and 1/,
    )
    const flat: TensorBytes = { dtype: 'uint8', shape: [30], data: new Uint8Array(30) }
    await renamed((name) => (name === 'fc1.weight' ? 'fc1.weight_orig' : name), { 'fc1.weight_mask': flat })
    expect(await refusedWith(loadWeights(net, file))).to.match(/has shape \[30\], its tensor has \[5, 6\]/)
  })

  it('load into layers that are called as our own entries beside a network are', async () => {
    using net = network([6], { 'torch-prune.x': linear(6, 3) }, { device })
    using keep = tensor(new Uint8Array(18).fill(1, 0, 9), { shape: [3, 6] })
    await net.setMask('torch-prune.x', keep)
    await net.save(file)
    using back = await loadNetwork(file, { device })
    using mask = back.mask('torch-prune.x')
    expect(mask?.sum().item()).to.equal(9)
  })
})
