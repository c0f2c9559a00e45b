import { readFile, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { readSafetensors } from '../../lib/formats/safetensors.js'
import { readTensorFile, readTensorFileHeader } from '../../lib/formats/tensor_file.js'
import { batchNorm2d, conv2d, flatten, linear } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { readGraph } from '../../lib/nn/stored_graph.js'
import { loadWeights } from '../../lib/nn/weights_file.js'
import { toBytes } from '../../lib/tensor/bytes.js'
import { device } from '../support/device.js'
import { freshFolder } from '../support/folder.js'
import { refusedWith } from '../support/refusal.js'
import { golden } from './torch_golden.js'

const box = freshFolder()
const path = () => box('model.pt')

describe('state dicts of torch.save', () => {
  for (const [file, twin] of [
    ['tensors.pt', 'tensors.safetensors'],
    ['protocol4.pt', 'tensors.safetensors'],
    ['big_endian.pt', 'tensors.safetensors'],
    ['checkpoint.pt', 'checkpoint.safetensors'],
    ['legacy.pt', 'tensors.safetensors'],
    ['legacy_checkpoint.pt', 'checkpoint.safetensors'],
    ['metrics.pt', 'checkpoint.safetensors'],
  ] as const) {
    it(`${file} holds what PyTorch put in`, async () => {
      const { tensors } = await readTensorFile(golden(file))
      const expected = (await readSafetensors(golden(twin))).tensors
      expect([...tensors.keys()]).to.have.members([...expected.keys()])
      for (const [name, { dtype, shape, data }] of expected) {
        const { data: own, ...rest } = tensors.get(name)!
        expect(rest, name).to.deep.equal({ dtype, shape })
        expect(Buffer.from(own).equals(data), name).to.equal(true)
      }
      const header = await readTensorFileHeader(golden(file))
      expect([...header.tensors]).to.deep.equal(
        [...tensors].map(([name, { dtype, shape, data }]) => [name, { dtype, shape, bytes: data.length }]),
      )
      expect(await readGraph(golden(file))).to.equal(undefined)
    })
  }

  it('load into a network by name', async () => {
    using net = network(
      [1, 2, 2],
      { conv: conv2d(1, 2, 2), bn: batchNorm2d(2), flatten: flatten(), fc: linear(2, 3) },
      { device },
    )
    await loadWeights(net, golden('checkpoint.pt'))
    for (const [name, expected] of (await readSafetensors(golden('checkpoint.safetensors'))).tensors) {
      using own = net.tensor(name as 'fc.weight')
      expect(toBytes(own), name).to.deep.equal(expected)
    }
    expect(await refusedWith(loadWeights(net, golden('tensors.pt')))).to.match(
      /tensors "conv\.weight", "conv\.bias", "bn\.weight" and 5 more are missing, tensors "float64", "float32", "float16" and 16 more belong to no layer of the network; load it into the network that it belongs to$/,
    )
  })

  it('are told from safetensors by their bytes, whatever they are called', async () => {
    // A header of 640 bytes begins as a pickle does, and one of 0x04034b50 as a zip archive.
    const json = Buffer.from('{}'.padEnd(640))
    const file = Buffer.concat([Buffer.from([0x80, 2, 0, 0, 0, 0, 0, 0]), json])
    await writeFile(path(), file)
    expect((await readTensorFile(path())).tensors.size).to.equal(0)
    await writeFile(path(), Buffer.from('504b030400000000' + '7b7d', 'hex'))
    expect(await refusedWith(readTensorFile(path()))).to.match(/claims a header of 67324752 bytes/)
  })

  const refusals: [file: string, says: RegExp][] = [
    [
      'system',
      /asks for "posix\.system", and nothing that a pickle asks for is run; save the state dict alone/,
    ],
    ['hidden', /asks for "posix\.system"/],
    ['object', /asks for "os\.system"/],
    ['eval', /asks for "builtins\.eval"/],
    ['module', /asks for "torch\.nn\.modules\.linear\.Linear"/],
    ['array', /has an object of numpy\._core\.multiarray\._reconstruct under "weight", not a tensor/],
    ['script', /is a TorchScript program; save its state dict/],
    ['expanded', /tensor of shape \[1000\] that repeats its elements; save a copy/],
    ['tensor', /holds a tensor, not a state dict/],
    ['epoch', /has a number under "epoch", not a tensor/],
  ]
  for (const [name, says] of refusals) {
    it(`refuse ${name}.pt`, async () => {
      const message = await refusedWith(readTensorFile(golden(`${name}.pt`)))
      expect(message).to.match(says)
      expect(await refusedWith(readTensorFileHeader(golden(`${name}.pt`)))).to.equal(message)
    })
  }

  it('refuse every file that is cut short', async () => {
    for (const name of ['checkpoint.pt', 'legacy_checkpoint.pt']) {
      const valid = await readFile(golden(name))
      for (let length = 0; length < valid.length; length += 37) {
        await writeFile(path(), valid.subarray(0, length))
        await refusedWith(readTensorFile(path()))
      }
    }
  })
})
