// lib/studies/resident.ts runs this in a process of its own: it loads one engine with one network, and reports by how
// much its memory grew.
import { messageOf } from '../base/errors.js'
import { product } from '../base/lists.js'
import { loadAddon } from '../binding/addon.js'
import { runJob } from '../binding/native_job.js'
import { loadSession } from '../nn/load_session.js'
import { loadRuntime, openInRuntime, type RunningNetwork, someSamples } from './engines.js'
import type { EngineFile, Resident } from './resident.js'

/** The first run makes what later ones use again. */
const RUNS = 5

async function measure(engine: EngineFile): Promise<Resident> {
  const open = await loadLibrary(engine)
  const samples = someSamples(product(engine.shape))
  const before = residentBytes()
  const network = await open()
  for (let run = 0; run < RUNS; run++) await network.run(samples)
  const bytes = Math.max(0, residentBytes() - before)
  network.close()
  return { bytes }
}

/** Loads no more than the library; what comes back opens the file. */
async function loadLibrary({
  library,
  file,
  shape,
  threads,
}: EngineFile): Promise<() => Promise<RunningNetwork>> {
  if (library === 'onnxruntime') {
    const runtime = (await loadRuntime())!
    return () => openInRuntime(runtime, file, shape, threads)
  }
  // Loading a session gives back what the process does not use: what that was before belongs to no engine.
  await runJob(() => loadAddon().trimMemoryStart())
  return async () => {
    const session = await loadSession(file)
    return { run: (samples) => session.runBatch(samples), close: () => session.dispose() }
  }
}

function residentBytes(): number {
  globalThis.gc?.()
  return process.memoryUsage.rss()
}

process.send?.(
  await measure(JSON.parse(process.argv[2]!) as EngineFile).catch(
    (error: unknown): Resident => ({ error: messageOf(error) }),
  ),
)
