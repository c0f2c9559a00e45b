import { refuseReading } from '../base/lease.js'
import { toPieces } from '../tensor/bytes.js'
import { HeldTensors } from '../tensor/held.js'
import { onnxGraph } from './onnx.js'
import type { WeightHolder } from './weight_holder.js'

/** Writes what a network computes in evaluation mode as an ONNX model, with its weights as they are now. */
export async function exportOnnx(network: WeightHolder, path: string): Promise<void> {
  refuseReading(network)
  // What encodes it takes time to load, and few programs need it.
  const { writeOnnx } = await import('../formats/onnx/write.js')
  using held = new HeldTensors()
  const snapshot = await network.snapshot()
  const tensors = new Map([...snapshot].map(([name, values]) => [name, toPieces(held.use(values))]))
  const { inputShape, nodes } = network
  await writeOnnx(path, onnxGraph({ inputShape, nodes, tensors }, path))
}
