/** The dense network of a run. */
export const REFERENCE_FILE = 'reference.safetensors'
/** The pruned network of a run. */
export const MODEL_FILE = 'model.safetensors'
/** The record of a finished run. */
export const RECORD_FILE = 'run.json'
/** The log of a run. */
export const EVENTS_FILE = 'events.jsonl'
/** The report of a run or a study. */
export const REPORT_FILE = 'report.html'
/** The folder of its charts. */
export const FIGURES_FOLDER = 'figures'
/** The folder of what an unfinished run goes on from. */
export const CHECKPOINT_FOLDER = 'checkpoint'
/** Names the process that works in the folder. */
export const LOCK_FILE = 'run.lock'
/** The folder of a run that is to take the place of the one beside it. */
export const REPLACEMENT_FOLDER = 'replacement'

/** All that a run leaves. */
export const RUN_FILES = [
  RECORD_FILE,
  MODEL_FILE,
  REFERENCE_FILE,
  CHECKPOINT_FOLDER,
  EVENTS_FILE,
  REPORT_FILE,
  FIGURES_FOLDER,
]
