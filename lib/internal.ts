// The door for the scripts of this repository: what they need of the library beyond its public API in index.ts.
// Programs cannot import it, and nothing in it is kept stable.
export { writeJsonAtomically } from './base/atomic.js'
export { exists } from './base/files.js'
export { append } from './base/lists.js'
export { deriveSeed } from './base/seed.js'
export { loadAddon } from './binding/addon.js'
export type { DatasetHandle, TrainingResult } from './binding/native.js'
export { runJob } from './binding/native_job.js'
export { computeInJobs } from './binding/threads.js'
export { withCompute } from './cli/compute.js'
export { reportFailure } from './cli/failure.js'
export { commandWith, interruptible, nameProgram } from './cli/interrupt.js'
export { deviceOption } from './cli/options.js'
export { measureSensitivity, THRESHOLDS_FILE } from './cli/sensitivity_work.js'
export { type Column, renderTable } from './cli/table.js'
export { trainToFile } from './cli/train_work.js'
export { densities, real, whole } from './cli/values.js'
export { runToTable } from './cli/work.js'
export {
  type ResumableOptions,
  type WorkOptions,
  withResumableOptions,
  withWorkOptions,
} from './cli/work_options.js'
export { findMnist, type MnistPart, readMnist } from './data/idx.js'
export { findAddon, PLATFORM_PACKAGE } from './install/addon_files.js'
export { buildAddon } from './install/build.js'
export { cacheFolder } from './install/cache.js'
export { PACKAGE, VERSION } from './install/home.js'
export { readRecord, writeRecord } from './install/record.js'
export { makeNetwork } from './recipes/model.js'
export { findRecipe } from './recipes/registry.js'
export { Checkpoint } from './runs/checkpoint.js'
export { MODEL_FILE, REFERENCE_FILE } from './runs/files.js'
export { readRunRecord } from './runs/record.js'
export { readStored } from './runs/stored_json.js'
export { fromBytes, toBytes } from './tensor/bytes.js'
export { PREFIX_BATCH } from './train/prefix.js'
