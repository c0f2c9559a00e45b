import { refuseReading } from '../base/lease.js'
import { type StoredTensor, toPieces } from '../tensor/bytes.js'
import { HeldTensors } from '../tensor/held.js'
import type { Tensor } from '../tensor/tensor.js'
import { isPrunable, outputAxis, type PrunableNode } from './cost.js'
import { exactLevels, isSmaller } from './int8.js'
import { type OnnxCode, onnxGraph } from './onnx.js'
import type { WeightHolder } from './weight_holder.js'

/**
 * Writes what a network computes in evaluation mode as an ONNX model, with its weights as they are now. Those that
 * `quantize()` rounded to int8, or that share at most 255 values, are stored as bytes, of which the model makes the same
 * floats.
 */
export async function exportOnnx(network: WeightHolder, path: string): Promise<void> {
  refuseReading(network)
  // What encodes it takes time to load, and few programs need it.
  const { writeOnnx } = await import('../formats/onnx/write.js')
  using held = new HeldTensors()
  const snapshot = await network.snapshot()
  for (const values of snapshot.values()) held.use(values)
  const tensors = new Map<string, StoredTensor>(
    [...snapshot].map(([name, values]) => [name, toPieces(values)]),
  )
  const coded = new Map<string, OnnxCode>()
  const { inputShape, nodes } = network
  for (const node of nodes.filter(isPrunable)) {
    const name = `${node.name}.weight`
    const found = sharedBytes(network, node, held) ?? (await levels(snapshot.get(name)!, node, held))
    if (found === undefined) continue
    tensors.set(name, found.bytes)
    coded.set(name, found.code)
  }
  await writeOnnx(path, onnxGraph({ inputShape, nodes, tensors, coded }, path))
}

interface Bytes {
  readonly bytes: StoredTensor
  readonly code: OnnxCode
}

/** A weight whose values are shared, where the place of one among them fits a byte, and that takes less. */
function sharedBytes(network: WeightHolder, { name }: PrunableNode, held: HeldTensors): Bytes | undefined {
  const codebook = network.codebook(name)
  if (codebook === undefined) return undefined
  const [index, values] = [held.use(codebook.index), held.use(codebook.values)]
  if (index.dtype !== 'uint8' || index.numel + 4 * values.numel >= 4 * index.numel) return undefined
  return { bytes: toPieces(index), code: { kind: 'shared', values: toPieces(values) } }
}

/** A weight that is rounded to int8, if it takes less so. */
async function levels(weight: Tensor, node: PrunableNode, held: HeldTensors): Promise<Bytes | undefined> {
  const axis = outputAxis(node)
  if (!isSmaller(weight.numel, weight.shape[axis]!)) return undefined
  const found = await exactLevels(weight, axis)
  if (found === undefined) return undefined
  const scales = toPieces(held.use(found.scales))
  return { bytes: toPieces(held.use(found.levels)), code: { kind: 'levels', axis, scales } }
}
