import { readFile, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import fc from 'fast-check'
import { TorchPruneError } from '../../lib/base/errors.js'
import { readSafetensors, readSafetensorsHeader } from '../../lib/formats/safetensors.js'
import { freshFolder } from '../support/folder.js'
import { refusedWith } from '../support/refusal.js'
import { f32, fileOf } from './safetensors_bytes.js'

const golden = new URL('../golden/format.safetensors', import.meta.url).pathname

const box = freshFolder()
const path = () => box('model.safetensors')

describe('safetensors', () => {
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
      await writeFile(path(), file)
      const message = await refusedWith(readSafetensors(path()))
      expect(message).to.match(says)
      expect(message.startsWith(`${path()}: `)).to.equal(true)
      expect(await refusedWith(readSafetensorsHeader(path()))).to.equal(message)
    })
  }

  it('accepts a file without tensors', async () => {
    await writeFile(path(), fileOf('{}'))
    expect(await readSafetensors(path())).to.deep.equal({ metadata: {}, tensors: new Map() })
  })

  it('refuses what is no file', async () => {
    expect(await refusedWith(readSafetensors(box('missing')))).to.include('does not exist; check the path')
    expect(await refusedWith(readSafetensors(box()))).to.include('is a folder')
    expect(await refusedWith(readSafetensors('/dev/zero'))).to.include('is not a regular file')
  })

  it('refuses random bytes, with one line', () =>
    fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async (bytes) => {
        await writeFile(path(), bytes)
        await refusedWith(readSafetensors(path()))
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
        await writeFile(path(), damaged)
        try {
          const { tensors } = await readSafetensors(path())
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
        await writeFile(path(), file)
        await readSafetensors(path()).then(
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
})
