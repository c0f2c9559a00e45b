import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** A file that an engine loads and runs. */
export interface EngineFile {
  /** The library: ours on libtorch, for the file of a session, or onnxruntime, for an ONNX file. */
  readonly library: 'torch-prune' | 'onnxruntime'
  readonly file: string
  /** The shape of a batch. */
  readonly shape: readonly number[]
  readonly threads: number
}

/** The bytes by which resident memory grew, or why they are not known. */
export type Resident = { readonly bytes: number } | { readonly error: string }

// No network takes so long to load, but a process may hang.
const MOST_MS = 300_000

/**
 * Measures the memory of an engine in a process of its own, where nothing else counts: by how much its resident memory
 * grew from when it had loaded the engine's library to when it had loaded the file and run it a few times. Never throws:
 * a process that fails, or that the system kills because memory is short, says why.
 */
export function measureResident(engine: EngineFile, signal?: AbortSignal): Promise<Resident> {
  const script = fileURLToPath(import.meta.url).replace(/(\.[tj]s)$/, '_process$1')
  const loader = script.endsWith('.ts') ? ['--import', 'tsx'] : []
  const child = fork(script, [JSON.stringify(engine)], {
    // What JavaScript left behind is collected before memory is read.
    execArgv: ['--expose-gc', ...loader],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    timeout: MOST_MS,
    ...(signal && { signal }),
  })
  return new Promise((resolve) => {
    child.on('message', (message) => {
      resolve(message as Resident)
      child.kill()
    })
    child.on('error', ({ message }) => resolve({ error: message }))
    // If a message has arrived, this has no effect.
    child.on('close', (code, by) =>
      resolve({ error: `its process ${by ? `ended with ${by}` : `exited with ${code}`}` }),
    )
  })
}
