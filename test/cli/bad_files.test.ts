import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { f32, fileOf } from '../formats/safetensors_bytes.js'
import { badInput } from './bad_input.js'
import { idx } from './tiny.js'

describe('torch-prune, given bad input,', function () {
  this.timeout(60_000)
  const { box, data, recipe, out, refused, run, write, variant } = badInput()

  describe('refuses a data folder', () => {
    const images = 'train-images-idx3-ubyte'
    const folder = box.path('damaged')
    const damaged = (name: string, change: (bytes: Buffer) => Uint8Array | undefined) => {
      rmSync(folder, { recursive: true, force: true })
      cpSync(data, folder, { recursive: true })
      const bytes = change(readFileSync(join(folder, name)))
      if (bytes === undefined) rmSync(join(folder, name))
      else writeFileSync(join(folder, name), bytes)
      return run('--data', folder)
    }

    it('that is not there or lacks a file, saying which', async () => {
      await refused(
        run('--data', box.path('nowhere')),
        /nowhere: there is no such folder; it should hold train-images-idx3-ubyte/,
      )
      await refused(
        damaged('t10k-labels-idx1-ubyte', () => undefined),
        /damaged: has no t10k-labels-idx1-ubyte/,
      )
    })

    it('with a file that is truncated, oversized or of another magic', async () => {
      await refused(
        damaged(images, (bytes) => bytes.subarray(0, -1)),
        /images-idx3-ubyte: .*; fetch it again/,
      )
      await refused(
        damaged(images, (bytes) => bytes.subarray(0, 7)),
        /images-idx3-ubyte: .*header; fetch it again/,
      )
      await refused(
        damaged(images, (bytes) => Buffer.concat([bytes, bytes])),
        /images-idx3-ubyte: .*; fetch it again/,
      )
      await refused(
        damaged(images, () => idx([400, 8, 8], new Uint8Array(25_600), 0x12340803)),
        /begins with 0x12340803, not with 0x00000803; is it an IDX file\?/,
      )
      await refused(
        damaged(images, () => idx([2 ** 31, 2 ** 31, 2 ** 31], new Uint8Array(16))),
        /train-images-idx3-ubyte: /,
      )
    })

    it('too small for the validation part', async () => {
      const big = variant((it) => ({ ...it, data: { kind: 'mnist', validation: 400 } }))
      await refused(run().with(1, big), /a validation part of 400 of 400 samples: use 1 to 399/)
    })
  })

  describe('refuses a safetensors file', () => {
    const lies: [string, () => Buffer, RegExp][] = [
      ['that is cut short', () => Buffer.alloc(4), /has 4 bytes, too few/],
      ['with a header longer than the file', () => fileOf('{}', 0, 1000n), /claims a header of 1000 bytes/],
      [
        'with a header of 2^60 bytes',
        () => fileOf('{}', 0, 2n ** 60n),
        /claims a header of 1152921504606846976/,
      ],
      ['whose header is not JSON', () => fileOf('{"a":'), /header that is not JSON/],
      ['with offsets beyond its end', () => fileOf({ a: f32([2], 0, 8) }, 4), /ends 4 bytes after the file/],
      [
        'whose tensors overlap',
        () => fileOf({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12),
        /tensor "b" overlaps the one before it/,
      ],
      [
        'of an unknown dtype',
        () => fileOf({ a: { ...f32([1], 0, 4), dtype: 'F31' } }, 4),
        /"F31" as its dtype/,
      ],
      ['of 2^60 elements', () => fileOf({ a: f32([2 ** 60], 0, 4) }, 4), /shape/],
      ['with a shape of another size', () => fileOf({ a: f32([3], 0, 8) }, 8), /needs 12 bytes/],
    ]
    for (const [what, file, message] of lies) {
      it(what, async () => {
        const path = write('lying.safetensors', file())
        await refused(['inspect', path], message)
        await refused(['prune', recipe, '--weights', path, '--data', data, '--out', out], message)
      })
    }

    it('that is missing, a folder, or of another network', async () => {
      const weights = (path: string) => ['prune', recipe, '--weights', path, '--data', data, '--out', out]
      await refused(
        ['inspect', box.path('none.safetensors')],
        /none\.safetensors: does not exist; check the path/,
      )
      await refused(
        weights(box.path('none.safetensors')),
        /none\.safetensors: does not exist; check the path/,
      )
      await refused(weights(data), /mnist: is a folder/)
      await refused(['inspect', data], /run\.json: does not exist; give the folder of a finished run/)
      const foreign = write('foreign.safetensors', fileOf({ a: f32([1], 0, 4) }, 4))
      await refused(weights(foreign), /tensors "fc1\.weight", .* are missing, tensor "a" belongs to no layer/)
    })

    it('with a layer graph that is wrong', async () => {
      const metadata = { __metadata__: { 'torch-prune.graph': '{"input":[1],"layers":[{"name":"a"}]}' } }
      const path = write('graph.safetensors', fileOf({ ...metadata, a: f32([1], 0, 4) }, 4))
      await refused(['inspect', path], /its layer graph is wrong at layers\.0\.layer/)
    })
  })
})
