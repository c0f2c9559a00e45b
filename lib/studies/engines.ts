import type * as Runtime from 'onnxruntime-node'

/** A network in an engine. */
export interface RunningNetwork {
  readonly run: (samples: Float32Array) => Promise<unknown>
  readonly close: () => void
}

/** Loads the library; undefined if the package is not installed. */
export async function loadRuntime(): Promise<typeof Runtime | undefined> {
  return import('onnxruntime-node').catch(() => undefined)
}

/** Opens an ONNX file, for batches of one shape. */
export async function openInRuntime(
  runtime: typeof Runtime,
  file: string,
  shape: readonly number[],
  threads: number,
): Promise<RunningNetwork> {
  const options = { intraOpNumThreads: threads, interOpNumThreads: 1, logSeverityLevel: 3 } as const
  const session = await runtime.InferenceSession.create(file, options)
  return {
    run: (samples) => session.run({ input: new runtime.Tensor('float32', samples, shape) }),
    close: () => void session.release(),
  }
}

/** Numbers from 0 to 1 that look like nothing, and are the same each time. */
export function someSamples(size: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => Math.sin(i) ** 2)
}
