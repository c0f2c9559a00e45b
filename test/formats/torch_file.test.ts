import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { TorchPruneError } from '../../lib/base/errors.js'
import { readSafetensors } from '../../lib/formats/safetensors.js'
import { readTensorFile, readTensorFileHeader } from '../../lib/formats/tensor_file.js'
import { readTorchFile } from '../../lib/formats/torch_file.js'
import { batchNorm2d, conv2d, flatten, linear } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { readGraph } from '../../lib/nn/stored_graph.js'
import { loadWeights } from '../../lib/nn/weights_file.js'
import { toBytes } from '../../lib/tensor/bytes.js'
import { device } from '../support/device.js'
import { refusedWith } from '../support/refusal.js'
import { zip } from './zip.js'

const golden = (name: string) => new URL(`../golden/torch/${name}`, import.meta.url).pathname

// Pieces of pickles, by the opcodes that torch.save writes.
const text = (value: string) => {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(bytes.length)
  return Buffer.concat([Buffer.from('X'), length, bytes])
}
const int = (value: number) => {
  const bytes = Buffer.from('J\0\0\0\0')
  bytes.writeInt32LE(value, 1)
  return bytes
}
const long = (...bytes: number[]) => Buffer.from([0x8a, bytes.length, ...bytes])
const global = (name: string) => Buffer.from(`c${name.replace(/\.([^.]*)$/, '\n$1')}\n`)
const tuple = (...items: Uint8Array[]) => Buffer.concat([Buffer.from('('), ...items, Buffer.from('t')])
const persistent = (count = int(4), key = '0', type = 'torch.FloatStorage') =>
  Buffer.concat([tuple(text('storage'), global(type), text(key), text('cpu'), count), Buffer.from('Q')])
const dict = (...items: Uint8Array[]) =>
  Buffer.concat([Buffer.from('\x80\x02}(', 'latin1'), ...items, Buffer.from('u.')])
const rebuilt = (storage: Uint8Array, offset: Uint8Array, size: Uint8Array[], stride: Uint8Array[]) =>
  Buffer.concat([
    global('torch._utils._rebuild_tensor_v2'),
    tuple(storage, offset, tuple(...size), tuple(...stride), Buffer.from([0x89]), Buffer.from('N')),
    Buffer.from('R'),
  ])
const vector = (storage = persistent(), offset = int(0), size = int(4), stride = int(1)) =>
  rebuilt(storage, offset, [size], [stride])
const archive = (pickle: Uint8Array, more: Record<string, Uint8Array | string> = {}) =>
  zip({ 'a/data.pkl': pickle, 'a/byteorder': 'little', 'a/data/0': new Uint8Array(16), ...more })

describe('state dicts of torch.save', () => {
  let dir: string
  let path: string
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'torch-prune-torch-file-'))
    path = join(dir, 'model.pt')
  })
  after(() => rm(dir, { recursive: true, force: true }))

  const read = async (file: Uint8Array) => {
    await writeFile(path, file)
    return readTorchFile(path)
  }

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
    await writeFile(path, file)
    expect((await readTensorFile(path)).tensors.size).to.equal(0)
    await writeFile(path, Buffer.from('504b030400000000' + '7b7d', 'hex'))
    expect(await refusedWith(readTensorFile(path))).to.match(/claims a header of 67324752 bytes/)
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

  const named = (value: Uint8Array) => dict(text('w'), value)
  const lies: [what: string, file: () => Uint8Array, says: RegExp][] = [
    [
      'data that is not there',
      () => archive(named(vector(persistent(int(4), '7')))),
      /no data of tensor "w"/,
    ],
    [
      'data of another size',
      () => archive(named(vector(persistent(int(5))))),
      /tensor "w" claims 20 bytes of data and has 16/,
    ],
    [
      'an offset past the storage',
      () => archive(named(vector(persistent(), int(1)))),
      /reaches past its storage/,
    ],
    [
      'a stride past the storage',
      () => archive(named(vector(persistent(), int(0), int(2), int(4)))),
      /reaches past its storage of 4 elements/,
    ],
    [
      'a negative offset',
      () => archive(named(vector(persistent(), int(-1)))),
      /calls torch\._utils\._rebuild_tensor_v2 in a way/,
    ],
    [
      'a negative size',
      () => archive(named(vector(persistent(), int(0), int(-4)))),
      /in a way that torch\.save does not/,
    ],
    [
      'a size of 2^63',
      () => archive(named(vector(persistent(), int(0), long(0, 0, 0, 0, 0, 0, 0, 0x80, 0)))),
      /in a way/,
    ],
    [
      'sizes too big to exist',
      () =>
        archive(
          named(
            rebuilt(persistent(), int(0), [long(0, 0, 0, 0, 0, 4), long(0, 0, 0, 0, 0, 4)], [int(0), int(0)]),
          ),
        ),
      /too big to exist/,
    ],
    [
      'more strides than sizes',
      () => archive(named(rebuilt(persistent(), int(0), [int(4)], [int(1), int(1)]))),
      /in a way/,
    ],
    [
      'a storage of no known type',
      () => archive(named(vector(persistent(int(4), '0', 'torch.QInt8Storage')))),
      /asks for "torch\.QInt8Storage"/,
    ],
    ['a storage for a tensor', () => archive(named(persistent())), /has a storage under "w"/],
    [
      'a function for a storage',
      () => archive(named(vector(persistent(int(4), '0', 'collections.OrderedDict')))),
      /refers to something other/,
    ],
    [
      'a storage that is called',
      () => archive(Buffer.concat([global('torch.FloatStorage'), tuple(), Buffer.from('R.')])),
      /calls torch\.FloatStorage/,
    ],
    [
      'one storage in two dtypes',
      () =>
        archive(dict(text('a'), vector(), text('b'), vector(persistent(int(4), '0', 'torch.IntStorage')))),
      /storage "0" in two dtypes/,
    ],
    [
      'strided tensors that outgrow the file',
      () => {
        const tensors = Array.from({ length: 200 }, (_, i) => [
          text(`${i}`),
          rebuilt(persistent(int(400)), int(0), [int(20), int(20)], [int(1), int(20)]),
        ])
        return archive(dict(...tensors.flat()), { 'a/data/0': new Uint8Array(1600) })
      },
      /strided tensors of 320000 bytes in a file of \d+; save copies/,
    ],
    ['a byte order of its own', () => archive(dict(), { 'a/byteorder': 'middle' }), /byte order "middle"/],
    ['two pickles', () => archive(dict(), { 'b/data.pkl': '.' }), /holds more than one data\.pkl/],
    ['no pickle', () => zip({ 'a/b': 'c' }), /holds no data\.pkl; give a file that torch\.save wrote/],
    ['an archive of nothing', () => zip({}), /holds no data\.pkl/],
    ['an empty pickle', () => archive(Buffer.alloc(0)), /pickle that is cut short/],
    ['a pickle of the newest protocol', () => archive(Buffer.from([0x80, 5, 0x2e])), /pickled by protocol 5/],
    ['a pickle of nothing', () => archive(Buffer.from('.')), /takes more than it holds/],
    [
      'a pickle that closes what it never opened',
      () => archive(Buffer.from('t.')),
      /closes what it never opened/,
    ],
    [
      'a pickle that recalls what it never stored',
      () => archive(Buffer.from('h\x05.')),
      /recalls what it never stored/,
    ],
    ['a string as long as a gigabyte', () => archive(Buffer.from('X\0\0\0\x40.')), /is cut short/],
    [
      'an opcode of others',
      () => archive(Buffer.from([0x80, 2, 0x82, 1, 0x2e])),
      /pickle opcode 0x82, which torch\.save/,
    ],
    ['a name without an end', () => archive(Buffer.from('cos\nsystem')), /is cut short/],
    [
      'a name of control characters',
      () => archive(Buffer.from('cos\x1b[2J\nx\n.')),
      /asks for "os\\u001b\[2J\.x"/,
    ],
    [
      'a name of later control characters',
      () => archive(Buffer.from('cos\x7f\n\u0085\n.')),
      /asks for "os\\u007f\.\\u0085"/,
    ],
    ['attributes of a number', () => archive(Buffer.from('K\x01}b.')), /sets attributes of something other/],
    [
      'lists a million deep',
      () => archive(Buffer.concat([Buffer.alloc(1e6, ']'), Buffer.alloc(1e6 - 1, 'a'), Buffer.from('.')])),
      /holds a list/,
    ],
    ['a list that holds itself', () => archive(Buffer.from(']q\0h\0a.')), /holds a list/],
    [
      'a dictionary that is its own state dict',
      () => archive(Buffer.concat([Buffer.from('}q\0'), text('model'), Buffer.from('h\0s.')])),
      /has a dict under "model"/,
    ],
  ]
  for (const [what, file, says] of lies) {
    it(`refuse ${what}`, async () => {
      await writeFile(path, file())
      const message = await refusedWith(readTensorFile(path))
      expect(message).to.match(says)
      expect(message.startsWith(`${path}: `)).to.equal(true)
    })
  }

  it('refuse a compressed record, and one that is there twice', async () => {
    const valid = archive(named(vector()))
    expect((await read(valid)).get('w')!.data).to.deep.equal(new Uint8Array(16))
    const compressed = Buffer.from(valid)
    // The method of the first entry of the directory.
    compressed.writeUInt16LE(8, valid.indexOf('PK\x01\x02') + 10)
    expect(await refusedWith(read(compressed))).to.match(/"a\/data\.pkl" compressed/)
    const twice = Buffer.from(zip({ 'a/data.pkl': dict(), 'a/data.pk1': dict() }))
    for (let at = twice.indexOf('pk1'); at >= 0; at = twice.indexOf('pk1')) twice.write('pkl', at)
    expect(await refusedWith(read(twice))).to.match(/"a\/data\.pkl" twice/)
  })

  it('refuse an archive that points further than a file can be', async () => {
    for (const [signature, at] of [
      ['PK\x06\x07', 8], // where the end of the directory is
      ['PK\x06\x06', 48], // where the directory is
    ] as const) {
      const far = await readFile(golden('tensors.pt'))
      far.writeBigUInt64LE(2n ** 61n, far.indexOf(signature) + at)
      expect(await refusedWith(read(far))).to.match(/is not a whole zip archive \("/)
    }
  })

  it('refuse every file that is cut short', async () => {
    for (const name of ['checkpoint.pt', 'legacy_checkpoint.pt']) {
      const valid = await readFile(golden(name))
      for (let length = 0; length < valid.length; length += 37) {
        await writeFile(path, valid.subarray(0, length))
        await refusedWith(readTensorFile(path))
      }
    }
  })

  /** Reads, or refuses as it should; never more than the file can stand for. */
  const survives = async (file: Uint8Array) => {
    await writeFile(path, file)
    try {
      const { tensors } = await readTensorFile(path)
      const buffers = new Set([...tensors.values()].map(({ data }) => data.buffer))
      const bytes = [...buffers].reduce((sum, buffer) => sum + buffer.byteLength, 0)
      expect(bytes).to.be.at.most(5 * file.length)
    } catch (cause) {
      if (!(cause instanceof TorchPruneError)) throw cause
      expect(cause.code).to.equal('ERR_FILE')
      expect(cause.message).to.not.match(/\p{Cc}/u)
    }
  }

  it('survive damage anywhere', async () => {
    for (const name of ['tensors.pt', 'checkpoint.pt', 'protocol4.pt', 'legacy_checkpoint.pt']) {
      const valid = await readFile(golden(name))
      const edits = fc.array(fc.record({ at: fc.nat(valid.length - 1), byte: fc.nat(255) }), {
        minLength: 1,
        maxLength: 4,
      })
      await fc.assert(
        fc.asyncProperty(edits, async (changes) => {
          const damaged = Buffer.from(valid)
          for (const { at, byte } of changes) damaged[at] = byte
          await survives(damaged)
        }),
        { numRuns: 150 },
      )
    }
  })

  it('survive pickles made of any pieces in any order', async () => {
    const pieces = [
      ...Array.from('.()N]}atuseRQbh\0', (letter) => Buffer.from(letter)),
      ...[0x85, 0x86, 0x87, 0x88, 0x89, 0x93, 0x94].map((opcode) => Buffer.from([opcode])),
      ...['collections.OrderedDict', 'torch._utils._rebuild_parameter', 'torch.FloatStorage'].map(global),
      ...[Buffer.from('q\0'), Buffer.from('h\0'), int(0), int(4), int(-1), long(0xff, 0xff)],
      ...[text('w'), text('model'), text('storage'), persistent(), vector(), tuple(int(4)), tuple()],
    ]
    const piece = fc.oneof(fc.constantFrom(...pieces), fc.uint8Array({ maxLength: 4 }))
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 24 }), (list) =>
        survives(archive(Buffer.concat([...list, Buffer.from('.')]))),
      ),
      { numRuns: 500 },
    )
  })
})
