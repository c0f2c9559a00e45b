import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { float, type OnnxGraph } from '../../lib/formats/onnx/graph.js'
import { AttributeProto_AttributeType as AttributeType } from '../../lib/formats/onnx/onnx_pb.js'
import { writeOnnx } from '../../lib/formats/onnx/write.js'
import type { StoredTensor } from '../../lib/tensor/bytes.js'
import { readModel } from '../support/onnx.js'
import { refusedWith } from '../support/refusal.js'

const graphOf = (initializers: Record<string, StoredTensor>, more: Partial<OnnxGraph> = {}): OnnxGraph => ({
  name: 'g',
  inputs: [],
  outputs: [],
  nodes: [],
  initializers: new Map(Object.entries(initializers)),
  ...more,
})

describe('an ONNX file', () => {
  let folder: string
  let file: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'torch-prune-onnx-'))
    file = join(folder, 'model.onnx')
  })
  after(() => rmSync(folder, { recursive: true }))

  it('holds tensors of any size, in memory or in pieces, byte for byte', async () => {
    const pieces = [Uint8Array.of(1, 2, 3), new Uint8Array(200_000).fill(7), Uint8Array.of(4)]
    async function* inPieces() {
      yield* pieces
    }
    await writeOnnx(
      file,
      graphOf({
        empty: { dtype: 'float32', shape: [0, 3], data: new Uint8Array(0) },
        scalar: { dtype: 'int64', shape: [], data: new Uint8Array(8).fill(1) },
        long: { dtype: 'uint8', shape: [200_004], byteLength: 200_004, pieces: inPieces },
      }),
    )
    const { initializer } = readModel(file).graph!
    const said = initializer.map(({ name, dims, dataType, rawData }) => [
      name,
      dims,
      dataType,
      rawData.length,
    ])
    expect(said).to.deep.equal([
      ['empty', [0n, 3n], 1, 0],
      ['scalar', [], 7, 8],
      ['long', [200_004n], 2, 200_004],
    ])
    expect(Buffer.compare(initializer[2]!.rawData, Buffer.concat(pieces))).to.equal(0)
  })

  it('holds numbers as whole ones or as floats, texts, and inputs that are left out', async () => {
    const attributes = { whole: -1, many: [2, 3], part: float(1), text: 'häßlich' }
    const node = { name: 'n', operator: 'Resize', inputs: ['x', '', 's'], output: 'y', attributes }
    await writeOnnx(file, graphOf({}, { nodes: [node] }))
    const [written] = readModel(file).graph!.node
    expect(written!.input).to.deep.equal(['x', '', 's'])
    const [whole, many, part, word] = written!.attribute
    expect([whole!.name, whole!.type, whole!.i]).to.deep.equal(['whole', AttributeType.INT, -1n])
    expect([many!.name, many!.type, many!.ints]).to.deep.equal(['many', AttributeType.INTS, [2n, 3n]])
    expect([part!.name, part!.type, part!.f]).to.deep.equal(['part', AttributeType.FLOAT, 1])
    expect([word!.name, word!.type]).to.deep.equal(['text', AttributeType.STRING])
    expect(Buffer.from(word!.s).toString()).to.equal('häßlich')
  })

  it('is refused over 2 GiB, before anything is read or written', async () => {
    const huge = (bytes: number): StoredTensor => ({
      dtype: 'uint8',
      shape: [bytes],
      byteLength: bytes,
      pieces: () => expect.fail('it is read'),
    })
    const absent = join(folder, 'huge.onnx')
    for (const [sizes, says] of [
      [[2 ** 30, 2 ** 30], '2.0 GiB'],
      [[2 ** 33], '8.0 GiB'],
    ] as const) {
      const tensors = Object.fromEntries(sizes.map((bytes, i) => [`t${i}`, huge(bytes)]))
      const message = await refusedWith(writeOnnx(absent, graphOf(tensors)), 'ERR_ARGUMENT')
      expect(message).to.include(
        `huge.onnx: the model takes ${says}, over the 2 GiB that an ONNX file may have`,
      )
    }
    expect(existsSync(absent)).to.equal(false)
  })

  it('is written whole or not at all', async () => {
    const before = readdirSync(folder)
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(10)
      throw new Error('the tensor is gone')
    }
    const tensor: StoredTensor = { dtype: 'uint8', shape: [20], byteLength: 20, pieces: failing }
    const writing = writeOnnx(join(folder, 'other.onnx'), graphOf({ tensor }))
    expect(await writing.catch((error: Error) => error.message)).to.equal('the tensor is gone')
    expect(readdirSync(folder)).to.deep.equal(before)
  })
})
