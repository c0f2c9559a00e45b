import { refuseReading } from '../base/lease.js'
import { type StoredTensor, toPieces } from '../tensor/bytes.js'
import { HeldTensors } from '../tensor/held.js'
import { isPrunable, outputAxis } from './cost.js'
import { exactLevels, isSmaller } from './int8.js'
import { type OnnxScales, onnxGraph } from './onnx.js'
import type { WeightHolder } from './weight_holder.js'

/**
 * Writes what a network computes in evaluation mode as an ONNX model, with its weights as they are now. Those that
 * `quantize()` rounded to int8 are stored as such, and dequantized to the same floats.
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
  const scales = new Map<string, OnnxScales>()
  const { inputShape, nodes } = network
  for (const node of nodes.filter(isPrunable)) {
    const name = `${node.name}.weight`
    const axis = outputAxis(node)
    const weight = snapshot.get(name)!
    if (!isSmaller(weight.numel, weight.shape[axis]!)) continue
    const found = await exactLevels(weight, axis)
    if (found === undefined) continue
    tensors.set(name, toPieces(held.use(found.levels)))
    scales.set(name, { axis, values: toPieces(held.use(found.scales)) })
  }
  await writeOnnx(path, onnxGraph({ inputShape, nodes, tensors, scales }, path))
}
