import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Profile } from '../../lib/coded/index.js'
import { linear, relu } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { random } from '../cli/tiny.js'
import { descriptionOf, fileOf, withSum } from './files.js'
import { mutated, readBoth } from './hostile.js'
import { NETWORKS } from './networks.js'

const folder = mkdtempSync(join(tmpdir(), 'torch-prune-coded-damage-'))
const path = join(folder, 'file.tpz')
const MUTATIONS = 150

describe('a coded file that is damaged', () => {
  after(() => rmSync(folder, { recursive: true, force: true }))

  for (const profile of ['compact', 'huffman'] as const) {
    it(`is refused by its checksum, wherever it is damaged (${profile})`, async () => {
      const whole = await written(profile)
      const next = random(7)
      for (let i = 0; i < MUTATIONS; i++) {
        const bytes = mutated(whole, next)
        if (bytes.equals(whole)) continue
        expect(await readBoth(bytes, path), `mutation ${i}`).to.be.a('string')
      }
    })

    it(`is read alike or refused by both readers behind a checksum that fits (${profile})`, async () => {
      const whole = await written(profile)
      const next = random(Date.now() % 2 ** 31)
      // Throws where the readers differ, or where an error names no byte.
      for (let i = 0; i < MUTATIONS; i++) await readBoth(withSum(mutated(whole.subarray(0, -4), next)), path)
    })
  }

  it('is refused at every length', async () => {
    const whole = await written('compact')
    for (let length = 0; length < whole.length; length += length < 40 ? 1 : 7)
      expect(await readBoth(whole.subarray(0, length), path), `${length} bytes`).to.be.a('string')
    expect(await readBoth(whole, path)).to.be.an('object')
  })

  it('is refused for what its description says', async () => {
    const fc = ['fc.weight', { shape: [2, 2] }]
    const cases: Record<string, readonly [Buffer, RegExp]> = {
      'no JSON': [fileOf('{', []), /something else than JSON/],
      'no layers': [fileOf('{"tensors":[]}', []), /no layers/],
      'a cycle': [
        fileOf(
          descriptionOf(
            [],
            [
              { name: 'a', layer: { kind: 'add', from: ['input', 'b'] } },
              { name: 'b', layer: { kind: 'relu' } },
            ],
          ),
          [],
        ),
        /reads no earlier one/,
      ],
      'a layer that reads itself': [
        fileOf(descriptionOf([], [{ name: 'a', layer: { kind: 'relu', from: 'a' } }]), []),
        /reads no earlier one/,
      ],
      'two layers of one name': [
        fileOf(
          descriptionOf(
            [],
            [
              { name: 'a', layer: { kind: 'relu' } },
              { name: 'a', layer: { kind: 'relu' } },
            ],
          ),
          [],
        ),
        /two layers of one name/,
      ],
      'two tensors of one name': [fileOf(descriptionOf([fc, fc]), []), /two tensors of one name/],
      '2^60 elements': [
        fileOf(descriptionOf([['fc.weight', { shape: [2 ** 30, 2 ** 30] }]]), []),
        /no|without a name, a shape/,
      ],
      'more elements than the limit': [
        fileOf(descriptionOf([['fc.weight', { shape: [2 ** 31] }]]), []),
        /over the limit/,
      ],
      'more elements than it pays for': [
        fileOf(descriptionOf([['fc.weight', { shape: [2 ** 29] }]]), []),
        /too many for its/,
      ],
      'no whole size': [fileOf(descriptionOf([['fc.weight', { shape: [1.5] }]]), []), /a shape/],
      'an unknown dtype': [
        fileOf(descriptionOf([['fc.weight', { shape: [1], dtype: 'float8' }]]), []),
        /dtype/,
      ],
      'a text longer than itself': [fileOf(descriptionOf([fc]), [], { textLength: 2 ** 19 }), /./],
      'a text of 2^40 bytes': [
        fileOf(descriptionOf([fc]), [], { textLength: 2 ** 40 }),
        /a description of 1099511627776 bytes/,
      ],
      'a missing block': [fileOf(descriptionOf([fc]), []), /an early end/],
      'a block too many': [fileOf(descriptionOf([]), [Buffer.from([1, 2])]), /belong to nothing/],
    }
    for (const [what, [bytes, message]] of Object.entries(cases))
      expect(await readBoth(bytes, path), what).to.match(message)
  })

  it('is refused for what its blocks say', async () => {
    const text = descriptionOf([['fc.weight', { shape: [2, 2], masked: true }]])
    const bits = (...parts: (readonly [value: number, count: number])[]) => {
      const all = parts.map(([value, count]) => value.toString(2).padStart(count, '0')).join('')
      const bytes = all.padEnd(Math.ceil(all.length / 8) * 8, '0').match(/.{8}/g)!
      return Buffer.from(bytes.map((byte) => Number.parseInt(byte, 2)))
    }
    const huffman = (...parts: Parameters<typeof bits>) =>
      fileOf(text, [bits(...parts)], { profile: 'huffman' })
    // Sparse, positions of 1 bit whose codes have 1 bit, a table of one float16 whose code has 1 bit.
    const start = [
      [1, 1],
      [1, 4],
      [1, 4],
      [1, 4],
      [1, 1],
      [1, 1],
      [0, 12],
      [0x3c00, 16],
      [1, 4],
    ] as const
    const cases: Record<string, readonly [Buffer, RegExp]> = {
      'more values than places': [
        huffman(...start, [5, 32], [0, 32]),
        /more values than a tensor has places/,
      ],
      '2^32 values': [huffman(...start, [2 ** 32 - 1, 32], [0, 32]), /more values than a tensor has places/],
      'positions outside': [huffman(...start, [1, 32], [0xffffffff, 32]), /a position outside its tensor/],
      'widths of no bit': [huffman([1, 1], [0, 4], [0, 32]), /a width of positions/],
      'lengths that fit no code': [
        huffman([1, 1], [2, 4], [1, 4], [1, 4], [1, 4], [1, 4]),
        /do not fit together/,
      ],
      'a code of nothing': [
        huffman(...start, [1, 32], [0, 1], [1, 1], [0, 30]),
        /stands for nothing|ends too early/,
      ],
      NaN: [huffman([0, 1], [0, 1], [0, 1], [0x7fc00000, 32], [0, 32], [0, 32], [0, 32]), /not a number/],
      'an early end': [huffman(...start), /ends too early/],
      'bytes after its end': [huffman(...start, [0, 32], [7, 16]), /belong to nothing/],
    }
    for (const [what, [bytes, message]] of Object.entries(cases))
      expect(await readBoth(bytes, path), what).to.match(message)
  })
})

/** The bytes of a small network. */
async function written(profile: Profile): Promise<Buffer> {
  using small = network([6], { fc1: linear(6, 5), relu: relu(), fc2: linear(5, 3) }, { seed: 4 })
  using pruned = await NETWORKS['fully connected layers with shared weights']!()
  const net = profile === 'huffman' ? pruned : small
  await net.export(path, { profile })
  const bytes = readFileSync(path)
  writeFileSync(path, '')
  return bytes
}
