import { readFile, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import fc from 'fast-check'
import { TorchPruneError } from '../../lib/base/errors.js'
import { readTensorFile } from '../../lib/formats/tensor_file.js'
import { freshFolder } from '../support/folder.js'
import { archive, global, int, long, persistent, text, tuple, vector } from './pickles.js'
import { golden } from './torch_golden.js'

const box = freshFolder()
const path = () => box('model.pt')

describe('state dicts of torch.save', () => {
  /** Reads, or refuses as it should; never more than the file can stand for. */
  const survives = async (file: Uint8Array) => {
    await writeFile(path(), file)
    try {
      const { tensors } = await readTensorFile(path())
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
