import { readdir, readFile, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import fc from 'fast-check'
import { bytesPerElement, type DType } from '../../lib/base/dtype.js'
import { readSafetensors, readSafetensorsHeader, writeSafetensors } from '../../lib/formats/safetensors.js'
import type { TensorBytes } from '../../lib/tensor/bytes.js'
import { freshFolder } from '../support/folder.js'
import { refusedWith } from '../support/refusal.js'
import { fileOf } from './safetensors_bytes.js'

const golden = new URL('../golden/format.safetensors', import.meta.url).pathname
const dtypes = Object.keys(bytesPerElement) as DType[]

const box = freshFolder()
const path = () => box('model.safetensors')

describe('safetensors', () => {
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
      await writeSafetensors(path(), await readSafetensors(golden))
      expect(await readFile(path())).to.deep.equal(await readFile(golden))
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
    await writeSafetensors(path(), { metadata: {}, tensors })
    const bytes = await readFile(path())
    expect(Number(bytes.readBigUInt64LE()) % 8).to.equal(0)
    for (const [, { dtype, begin }] of (await readSafetensorsHeader(path())).tensors) {
      expect(begin % bytesPerElement[dtype]).to.equal(0)
    }
    expect((await readSafetensors(path())).tensors).to.deep.equal(
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
          await writeSafetensors(path(), { metadata, tensors })
          const back = await readSafetensors(path())
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
        await writeSafetensors(path(), { metadata, tensors }, { checksums: true })
        expect(await readSafetensors(path())).to.deep.equal({ metadata, tensors })
        expect((await readSafetensorsHeader(path())).metadata).to.deep.equal(metadata)
        expect(Number((await readFile(path())).readBigUInt64LE()) % 8).to.equal(0)
      })
    }

    it('refuses a flipped bit in any byte', async () => {
      await writeSafetensors(path(), { metadata: { graph: '{}' }, tensors }, { checksums: true })
      const whole = await readFile(path())
      for (let at = 0; at < whole.length; at++) {
        const damaged = Buffer.from(whole)
        damaged[at]! ^= 1 << (at % 8)
        await writeFile(path(), damaged)
        expect(await refusedWith(readSafetensors(path())), `byte ${at}`).to.include(path())
      }
    })

    it('reads what another program wrote again, where checksums are those of other values', async () => {
      await writeSafetensors(path(), { metadata: { graph: '{}' }, tensors }, { checksums: true })
      const ours = await readFile(path())
      const length = Number(ours.readBigUInt64LE())
      const header = JSON.parse(ours.toString('utf8', 8, 8 + length))
      await writeFile(path(), Buffer.concat([fileOf(header), Buffer.alloc(ours.length - 8 - length, 1)]))
      const { metadata, tensors: read } = await readSafetensors(path())
      expect(metadata).to.deep.equal({ graph: '{}' })
      expect([...read.get('mask')!.data]).to.deep.equal([1, 1])
    })
  })

  it('refuses to write what it would not read, and leaves the file as it was', async () => {
    await writeSafetensors(path(), { metadata: { old: 'yes' }, tensors: new Map() })
    const before = await readFile(path())
    const tensor: TensorBytes = { dtype: 'float32', shape: [2], data: new Uint8Array(8) }
    const write = (name: string, change: object, metadata: object = {}): Promise<string> => {
      const tensors = new Map([[name, { ...tensor, ...change }]])
      return refusedWith(
        writeSafetensors(path(), { metadata: metadata as Record<string, string>, tensors }),
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
    expect(await readFile(path())).to.deep.equal(before)
    expect(await readdir(box())).to.deep.equal(['model.safetensors'])
  })
})
