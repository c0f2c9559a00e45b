import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fromBinary } from '@bufbuild/protobuf'
import { expect } from 'chai'
import type * as Runtime from 'onnxruntime-node'
import { ModelProtoSchema } from '../../lib/formats/onnx/onnx_pb.js'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { noGrad } from '../../lib/tensor/autograd.js'
import type { Tensor } from '../../lib/tensor/tensor.js'

/** Synchronous, since a test file that awaits at its top is loaded with a second copy of the library. */
function load(): typeof Runtime | string {
  try {
    return createRequire(import.meta.url)('onnxruntime-node')
  } catch (error) {
    return `onnxruntime-node is not there: ${(error as Error).message.split('\n')[0]}`
  }
}

const runtime = load()

/** A test that runs models in onnxruntime; skipped, and saying why, where it is not installed. */
export function itRuns(title: string, test: Mocha.AsyncFunc): void {
  if (typeof runtime === 'string') it.skip(`${title} (${runtime})`)
  else it(title, test)
}

/** Expects that onnxruntime makes of a file what the network computes in evaluation mode, for these samples. */
export async function expectSameOutputs(file: string, network: AnyNetwork, samples: Tensor): Promise<void> {
  if (typeof runtime === 'string') throw new Error(runtime)
  const session = await runtime.InferenceSession.create(file)
  try {
    const values = samples.flatten().toArray() as number[]
    const input = new runtime.Tensor('float32', Float32Array.from(values), [...samples.shape])
    const { output } = await session.run({ input })
    using expected = noGrad(() => network.forward(samples))
    expect(output!.dims).to.deep.equal(expected.shape)
    const [theirs, ours] = [output!.data as Float32Array, expected.flatten().toArray() as number[]]
    for (const [i, value] of ours.entries()) {
      if (Math.abs(theirs[i]! - value) <= 1e-5 + 1e-5 * Math.abs(value)) continue
      expect.fail(`onnxruntime has ${theirs[i]} at ${i}, the network ${value}`)
    }
  } finally {
    await session.release()
  }
}

/** A file's model, decoded by ONNX's own schema. */
export function readModel(file: string) {
  return fromBinary(ModelProtoSchema, readFileSync(file))
}
