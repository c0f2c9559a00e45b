import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { bytesPerElement, type DType } from '../../lib/base/dtype.js'
import { TorchPruneError } from '../../lib/base/errors.js'
import { readSafetensors, readSafetensorsHeader, writeSafetensors } from '../../lib/formats/safetensors.js'
import type { TensorBytes } from '../../lib/tensor/bytes.js'
import { refusedWith } from '../support/refusal.js'

const golden = new URL('../golden/format.safetensors', import.meta.url).pathname
const dtypes = Object.keys(bytesPerElement) as DType[]

/** A file with this header, which need not be JSON, and this many bytes of data. */
function fileOf(header: unknown, dataBytes = 0): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(json.length))
  return Buffer.concat([length, json, Buffer.alloc(dataBytes)])
}

function f32(shape: unknown, begin: unknown, end: unknown) {
  return { dtype: 'F32', shape, data_offsets: [begin, end] }
}

describe('safetensors', () => {
  let dir: string
  let path: string

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'torch-prune-safetensors-'))
    path = join(dir, 'model.safetensors')
  })

  after(() => rm(dir, { recursive: true, force: true }))

  describe('reading what the reference implementation wrote', () => {
    it('finds every dtype, shape and value', async () => {
      const { metadata, tensors } = await readSafetensors(golden)
      expect(metadata).to.deep.equal({ graph: '{"layers": ["fc1"]}' })
      expect([...tensors.keys()]).to.have.members([...dtypes, 'scalar', 'empty', 'fc1.weight', 'häßlich 名'])
      for (const dtype of dtypes) {
        const { data, ...rest } = tensors.get(dtype)!
        expect(rest).to.deep.equal({ dtype, shape: [2, 3] })
        expect(data.byteLength).to.equal(6 * bytesPerElement[dtype])
      }
      expect([...new Float64Array(tensors.get('float64')!.data.buffer)]).to.deep.equal([0, 1, 2, 3, 4, 5])
      expect([...new BigInt64Array(tensors.get('int64')!.data.buffer)]).to.deep.equal([
        0n,
        1n,
        2n,
        3n,
        4n,
        5n,
      ])
      expect([...tensors.get('bool')!.data]).to.deep.equal([0, 1, 1, 1, 1, 1])
      expect([...new Uint16Array(tensors.get('bfloat16')!.data.buffer)].slice(0, 2)).to.deep.equal([
        0, 0x3f80,
      ])
      expect([...new Float32Array(tensors.get('fc1.weight')!.data.buffer)]).to.deep.equal([
        1.5,
        -2,
        Infinity,
        NaN,
      ])
      expect([...new Float32Array(tensors.get('scalar')!.data.buffer)]).to.deep.equal([0.5])
      expect(tensors.get('scalar')!.shape).to.deep.equal([])
      expect(tensors.get('empty')).to.deep.equal({ dtype: 'float32', shape: [0, 4], data: new Uint8Array() })
      expect([...tensors.get('häßlich 名')!.data]).to.deep.equal([255])
    })

    it('writes the very same bytes', async () => {
      await writeSafetensors(path, await readSafetensors(golden))
      expect(await readFile(path)).to.deep.equal(await readFile(golden))
    })
  })

  it('reads only the tensors that are wanted', async () => {
    const { tensors } = await readSafetensors(golden, { only: ['scalar', 'int8'] })
    expect([...tensors.keys()]).to.deep.equal(['scalar', 'int8'])
    const message = await refusedWith(readSafetensors(golden, { only: ['fc9.weight'] }))
    expect(message).to.match(/has no tensor "fc9\.weight"; it holds "int64", "float64", .*, …$/)
  })

  it('reads the header alone', async () => {
    const { metadata, tensors } = await readSafetensorsHeader(golden)
    expect(metadata).to.have.property('graph')
    expect(tensors.get('fc1.weight')).to.deep.equal({ dtype: 'float32', shape: [2, 2], begin: 96, end: 112 })
  })

  it('aligns the data, and each tensor, whatever the order given', async () => {
    const tensors = new Map<string, TensorBytes>([
      ['mask', { dtype: 'uint8', shape: [3], data: Uint8Array.of(1, 0, 1) }],
      ['weight', { dtype: 'float32', shape: [3], data: new Uint8Array(12).fill(7) }],
      ['count', { dtype: 'int64', shape: [], data: new Uint8Array(8).fill(9) }],
    ])
    await writeSafetensors(path, { metadata: {}, tensors })
    const bytes = await readFile(path)
    expect(Number(bytes.readBigUInt64LE()) % 8).to.equal(0)
    for (const [, { dtype, begin }] of (await readSafetensorsHeader(path)).tensors) {
      expect(begin % bytesPerElement[dtype]).to.equal(0)
    }
    expect((await readSafetensors(path)).tensors).to.deep.equal(
      new Map(['count', 'weight', 'mask'].map((name) => [name, tensors.get(name)!])),
    )
  })

  it('writes what it was given: random files come back', () =>
    fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })),
        fc.uniqueArray(
          fc
            .tuple(
              fc.string({ unit: 'binary' }),
              fc.constantFrom(...dtypes),
              fc.array(fc.nat(4), { maxLength: 3 }),
            )
            .filter(([name]) => name !== '__metadata__' && name !== '__proto__'),
          { selector: ([name]) => name, maxLength: 5 },
        ),
        async (given, described) => {
          const metadata = Object.fromEntries(Object.entries(given).filter(([key]) => key !== '__proto__'))
          const tensors = new Map<string, TensorBytes>()
          for (const [name, dtype, shape] of described) {
            const bytes = shape.reduce((product, size) => product * size, bytesPerElement[dtype])
            tensors.set(name, { dtype, shape, data: Uint8Array.from({ length: bytes }, (_, index) => index) })
          }
          await writeSafetensors(path, { metadata, tensors })
          const back = await readSafetensors(path)
          expect(back.metadata).to.deep.equal(metadata)
          expect(back.tensors.size).to.equal(tensors.size)
          for (const [name, tensor] of tensors) expect(back.tensors.get(name)).to.deep.equal(tensor)
        },
      ),
      { numRuns: 60 },
    ))

  describe('with checksums', () => {
    const tensors = new Map<string, TensorBytes>([
      ['weight', { dtype: 'float32', shape: [2], data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) }],
      ['empty', { dtype: 'float32', shape: [0], data: new Uint8Array() }],
      ['mask', { dtype: 'uint8', shape: [2], data: Uint8Array.of(1, 0) }],
    ])

    for (const metadata of [{}, { graph: '{}', 7: 'a number first' }]) {
      it(`comes back as it was given, with ${Object.keys(metadata).length} words of metadata`, async () => {
        await writeSafetensors(path, { metadata, tensors }, { checksums: true })
        expect(await readSafetensors(path)).to.deep.equal({ metadata, tensors })
        expect((await readSafetensorsHeader(path)).metadata).to.deep.equal(metadata)
        expect(Number((await readFile(path)).readBigUInt64LE()) % 8).to.equal(0)
      })
    }

    it('refuses a flipped bit in any byte', async () => {
      await writeSafetensors(path, { metadata: { graph: '{}' }, tensors }, { checksums: true })
      const whole = await readFile(path)
      for (let at = 0; at < whole.length; at++) {
        const damaged = Buffer.from(whole)
        damaged[at]! ^= 1 << (at % 8)
        await writeFile(path, damaged)
        expect(await refusedWith(readSafetensors(path)), `byte ${at}`).to.include(path)
      }
    })

    it('reads what another program wrote again, where checksums are those of other values', async () => {
      await writeSafetensors(path, { metadata: { graph: '{}' }, tensors }, { checksums: true })
      const ours = await readFile(path)
      const length = Number(ours.readBigUInt64LE())
      const header = JSON.parse(ours.toString('utf8', 8, 8 + length))
      await writeFile(path, Buffer.concat([fileOf(header), Buffer.alloc(ours.length - 8 - length, 1)]))
      const { metadata, tensors: read } = await readSafetensors(path)
      expect(metadata).to.deep.equal({ graph: '{}' })
      expect([...read.get('mask')!.data]).to.deep.equal([1, 1])
    })
  })

  const lies: [what: string, file: Buffer, says: RegExp][] = [
    ['an empty file', Buffer.alloc(0), /has 0 bytes, too few/],
    ['a file of seven bytes', Buffer.alloc(7), /has 7 bytes, too few/],
    [
      'a header of 2^60 bytes',
      Buffer.from('0000000000000010', 'hex'),
      /claims a header of 1152921504606846976/,
    ],
    [
      'a header longer than the file',
      fileOf('{}').subarray(0, 9),
      /claims a header of 2 bytes but has 9 in all/,
    ],
    ['an empty header', fileOf(''), /does not begin with "\{"/],
    ['a header that begins with a space', fileOf(' {}'), /does not begin with "\{"/],
    ['a header that is a list', fileOf('[]'), /does not begin with "\{"/],
    ['a header that is not JSON', fileOf('{"a":}'), /is not JSON; the file is damaged/],
    ['a header that is not UTF-8', Buffer.from('0300000000000000' + '7bff7d', 'hex'), /is not JSON/],
    ['a tensor described twice', fileOf('{"a":{},"\\u0061":{}}'), /names "a" twice/],
    ['a dtype given twice', fileOf('{"a":{"dtype":"F32","dtype" :"I8"}}'), /names "dtype" twice/],
    ['a tensor that is a number', fileOf({ a: 1 }), /tensor "a" is not described by an object/],
    [
      'a dtype that nobody knows',
      fileOf({ a: { ...f32([1], 0, 4), dtype: 'F7' } }, 4),
      /"F7" as its dtype; convert/,
    ],
    ['no dtype', fileOf({ a: { shape: [1], data_offsets: [0, 4] } }, 4), /no dtype/],
    ['a dtype that is a number', fileOf({ a: { ...f32([1], 0, 4), dtype: 32 } }, 4), /no dtype/],
    ['a shape that is a number', fileOf({ a: f32(1, 0, 4) }, 4), /shape that is not a list of whole sizes/],
    ['a negative size', fileOf({ a: f32([-1], 0, 4) }, 4), /shape that is not a list of whole sizes/],
    ['a fractional size', fileOf({ a: f32([0.5], 0, 2) }, 2), /shape that is not a list of whole sizes/],
    ['a size of 2^60', fileOf({ a: f32([2 ** 60], 0, 4) }, 4), /shape that is not a list of whole sizes/],
    ['a product of 2^60', fileOf({ a: f32([2 ** 30, 2 ** 30], 0, 4) }, 4), /shape that is too big to exist/],
    [
      'a product that overflows on its way to 0',
      fileOf({ a: f32([2 ** 52, 2 ** 52, 0], 0, 0) }),
      /too big to exist/,
    ],
    [
      'one offset',
      fileOf({ a: { ...f32([1], 0, 4), data_offsets: [0] } }, 4),
      /data_offsets that are not two/,
    ],
    ['offsets that are strings', fileOf({ a: f32([1], '0', '4') }, 4), /data_offsets that are not two/],
    ['offsets of 2^60', fileOf({ a: f32([1], 2 ** 60, 2 ** 60 + 4) }, 4), /data_offsets that are not two/],
    ['offsets in the wrong order', fileOf({ a: f32([1], 4, 0) }, 4), /needs 4 bytes .* hold -4/],
    ['offsets that do not fit the shape', fileOf({ a: f32([2], 0, 4) }, 4), /needs 8 bytes .* hold 4/],
    [
      'a terabyte in a small file',
      fileOf({ a: f32([2 ** 38], 0, 2 ** 40) }, 4),
      /after the file, which is cut short/,
    ],
    ['overlapping tensors', fileOf({ a: f32([2], 0, 8), b: f32([1], 4, 8) }, 8), /tensor "b" overlaps/],
    ['tensors in the same place', fileOf({ a: f32([1], 0, 4), b: f32([1], 0, 4) }, 4), /tensor "b" overlaps/],
    ['a hole', fileOf({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12), /a hole of 4 bytes before "b"/],
    ['a hole at the start', fileOf({ a: f32([1], 4, 8) }, 8), /a hole of 4 bytes before "a"/],
    ['a file cut short', fileOf({ a: f32([2], 0, 8) }, 5), /tensor "a" ends 3 bytes after the file/],
    ['trailing bytes', fileOf({ a: f32([1], 0, 4) }, 9), /has 5 bytes after its last tensor/],
    ['data without tensors', fileOf({}, 3), /has 3 bytes after its last tensor/],
    ['metadata that is a list', fileOf({ __metadata__: [] }), /__metadata__ that is not an object/],
    [
      'metadata that is not of strings',
      fileOf({ __metadata__: { a: 1 } }),
      /__metadata__ "a" that is not a string/,
    ],
    [
      'metadata named __proto__',
      fileOf('{"__metadata__":{"__proto__":"x"}}'),
      /__metadata__ entry named "__proto__"/,
    ],
    [
      'a tensor named __proto__',
      fileOf('{"__proto__":{"dtype":"F32"}}'),
      /tensor "__proto__" has a name that is reserved/,
    ],
    ['a name of many lines', fileOf({ ['\n'.repeat(500)]: 1 }), /tensor "(\\n)+…" is not/],
  ]
  for (const [what, file, says] of lies) {
    it(`refuses ${what}`, async () => {
      await writeFile(path, file)
      const message = await refusedWith(readSafetensors(path))
      expect(message).to.match(says)
      expect(message.startsWith(`${path}: `)).to.equal(true)
      expect(await refusedWith(readSafetensorsHeader(path))).to.equal(message)
    })
  }

  it('accepts a file without tensors', async () => {
    await writeFile(path, fileOf('{}'))
    expect(await readSafetensors(path)).to.deep.equal({ metadata: {}, tensors: new Map() })
  })

  it('refuses what is no file', async () => {
    expect(await refusedWith(readSafetensors(join(dir, 'missing')))).to.include(
      'does not exist; check the path',
    )
    expect(await refusedWith(readSafetensors(dir))).to.include('is a folder')
    expect(await refusedWith(readSafetensors('/dev/zero'))).to.include('is not a regular file')
  })

  it('refuses random bytes, with one line', () =>
    fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async (bytes) => {
        await writeFile(path, bytes)
        await refusedWith(readSafetensors(path))
      }),
      { numRuns: 100 },
    ))

  it('refuses damaged files or reads no more than they hold', async () => {
    const valid = await readFile(golden)
    const edits = fc.array(
      fc.oneof(
        fc.record({ at: fc.nat(valid.length - 1), byte: fc.nat(255) }),
        // Digits, brackets and quotes change what a header means without making it nonsense.
        fc.record({ at: fc.nat(900), byte: fc.constantFrom(...Buffer.from('0123456789-.e[]{}",:\\ ')) }),
      ),
      { minLength: 1, maxLength: 4 },
    )
    await fc.assert(
      fc.asyncProperty(edits, fc.option(fc.nat(valid.length)), async (changes, length) => {
        const damaged = Buffer.from(valid.subarray(0, length ?? valid.length))
        for (const { at, byte } of changes) if (at < damaged.length) damaged[at] = byte
        await writeFile(path, damaged)
        try {
          const { tensors } = await readSafetensors(path)
          const bytes = [...tensors.values()].reduce((sum, { data }) => sum + data.buffer.byteLength, 0)
          expect(bytes).to.be.at.most(damaged.length)
        } catch (cause) {
          if (!(cause instanceof TorchPruneError)) throw cause
          expect(cause.code).to.equal('ERR_FILE')
          expect(cause.message).to.not.match(/\p{Cc}/u)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('refuses headers that lie at random, and reads the others whole', () => {
    const number = fc.oneof(
      fc.nat(16),
      fc.constantFrom(-1, 0.5, 2 ** 31, 2 ** 53, 2 ** 60, 1e308),
      fc.constantFrom(null, '4', true),
    )
    const entry = fc.record({
      dtype: fc.oneof(fc.constantFrom('F32', 'BOOL', 'I64'), fc.anything()),
      shape: fc.oneof(fc.array(number, { maxLength: 3 }), fc.jsonValue()),
      data_offsets: fc.oneof(fc.tuple(number, number), fc.jsonValue()),
    })
    const header = fc.dictionary(fc.oneof(fc.constantFrom('a', 'b', '__metadata__'), fc.string()), entry)
    return fc.assert(
      fc.asyncProperty(header, fc.nat(32), async (lie, dataBytes) => {
        let file: Buffer
        try {
          file = fileOf(lie, dataBytes)
        } catch {
          return // a bigint, which JSON does not have
        }
        await writeFile(path, file)
        await readSafetensors(path).then(
          ({ tensors }) => {
            const bytes = [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0)
            expect(bytes).to.equal(dataBytes)
          },
          (cause: unknown) => expect(cause).to.be.instanceOf(TorchPruneError),
        )
      }),
      { numRuns: 200 },
    )
  })

  it('refuses to write what it would not read, and leaves the file as it was', async () => {
    await writeSafetensors(path, { metadata: { old: 'yes' }, tensors: new Map() })
    const before = await readFile(path)
    const tensor: TensorBytes = { dtype: 'float32', shape: [2], data: new Uint8Array(8) }
    const write = (name: string, change: object, metadata: object = {}): Promise<string> => {
      const tensors = new Map([[name, { ...tensor, ...change }]])
      return refusedWith(
        writeSafetensors(path, { metadata: metadata as Record<string, string>, tensors }),
        'ERR_ARGUMENT',
      )
    }
    expect(await write('a', { shape: [3] })).to.include(
      'tensor "a" has 8 bytes; float32 of shape [3] takes 12',
    )
    expect(await write('a', { shape: [-1] })).to.include('tensor "a" has the shape [-1]')
    expect(await write('a', { dtype: 'toString' })).to.include('unknown dtype; use one of int64')
    expect(await write('__metadata__', {})).to.include('reserved name')
    expect(await write('__proto__', {})).to.include('reserved name')
    expect(await write('a', {}, { epoch: 3 })).to.include('metadata "epoch" must be a string')
    expect(await readFile(path)).to.deep.equal(before)
    expect(await readdir(dir)).to.deep.equal(['model.safetensors'])
  })
})
