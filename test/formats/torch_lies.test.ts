import { readFile, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { readTensorFile } from '../../lib/formats/tensor_file.js'
import { readTorchFile } from '../../lib/formats/torch_file.js'
import { freshFolder } from '../support/folder.js'
import { refusedWith } from '../support/refusal.js'
import { archive, dict, global, int, long, persistent, rebuilt, text, tuple, vector } from './pickles.js'
import { golden } from './torch_golden.js'
import { zip } from './zip.js'

const box = freshFolder()
const path = () => box('model.pt')

describe('state dicts of torch.save', () => {
  const read = async (file: Uint8Array) => {
    await writeFile(path(), file)
    return readTorchFile(path())
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
      await writeFile(path(), file())
      const message = await refusedWith(readTensorFile(path()))
      expect(message).to.match(says)
      expect(message.startsWith(`${path()}: `)).to.equal(true)
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
})
