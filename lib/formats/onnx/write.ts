import { open } from 'node:fs/promises'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { writeAtomically } from '../../base/atomic.js'
import { TorchPruneError } from '../../base/errors.js'
import { byteLengthOf, piecesOfStored, type StoredTensor } from '../../tensor/bytes.js'
import type { OnnxGraph } from './graph.js'
import { encodeGraph, encodeModel, encodeTensor } from './messages.js'
import { GraphProtoSchema, ModelProtoSchema, TensorProtoSchema } from './onnx_pb.js'

/** Protobuf's own limit on the size of a message, which a whole model is. */
const MAX_BYTES = 2 ** 31 - 1

/**
 * Writes a graph as an ONNX model, either completely or not at all. The bytes of its tensors go to the file piece by
 * piece: they are the last fields of their messages, and tensors those of the graph, so that nothing but their lengths
 * must be known before.
 *
 * @throws ERR_ARGUMENT when the model would be larger than the format allows
 * @throws ERR_OUTPUT when the file cannot be written
 */
export async function writeOnnx(path: string, graph: OnnxGraph): Promise<void> {
  const parts = layOut(graph)
  const bytes = parts.reduce((sum, part) => sum + lengthOf(part), 0)
  if (bytes > MAX_BYTES) {
    const size = `${(bytes / 2 ** 30).toFixed(1)} GiB`
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `${path}: the model takes ${size}, over the 2 GiB that an ONNX file may have; remove dead neurons first, or write safetensors`,
    )
  }
  await writeAtomically(path, async (temporary) => {
    const handle = await open(temporary, 'w')
    try {
      for (const part of parts) {
        if (part instanceof Uint8Array) await handle.writeFile(part)
        else for await (const piece of piecesOfStored(part)) await handle.writeFile(piece)
      }
    } finally {
      await handle.close()
    }
  })
}

/** What stands in the file, in order: encoded messages, and tensors whose bytes follow when they are written. */
function layOut(graph: OnnxGraph): (Uint8Array | StoredTensor)[] {
  const tensors = [...graph.initializers].flatMap(([name, stored]) => {
    const head = encodeTensor(name, stored)
    const data = opening(TensorProtoSchema.field.rawData.number, byteLengthOf(stored))
    const length = head.length + data.length + byteLengthOf(stored)
    return [opening(GraphProtoSchema.field.initializer.number, length), head, data, stored]
  })
  const body = [encodeGraph(graph), ...tensors]
  const length = body.reduce((sum, part) => sum + lengthOf(part), 0)
  return [encodeModel(), opening(ModelProtoSchema.field.graph.number, length), ...body]
}

function lengthOf(part: Uint8Array | StoredTensor): number {
  return part instanceof Uint8Array ? part.length : byteLengthOf(part)
}

/** What precedes the bytes of a field: its number, and their length. */
function opening(field: number, length: number): Uint8Array {
  // Too long ones are refused once the sum is known.
  return new BinaryWriter().tag(field, WireType.LengthDelimited).uint32(Math.min(length, MAX_BYTES)).finish()
}
