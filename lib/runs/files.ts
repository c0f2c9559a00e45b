/** The file of a run's dense network. */
export const REFERENCE_FILE = 'reference.safetensors'
/** The file of a run's pruned network. */
export const MODEL_FILE = 'model.safetensors'
/** The file of a run's network whose weights share values, if its recipe quantizes. */
export const QUANTIZED_FILE = 'quantized.safetensors'
/** The coded file of a run's network, as small as it gets, if its recipe codes it. */
export const CODED_FILE = 'model.tpz'
/** The file of a finished run's record. */
export const RECORD_FILE = 'run.json'
/** The file of a run's log. */
export const EVENTS_FILE = 'events.jsonl'
/** The file of what `bench` measured of a network. */
export const BENCH_FILE = 'bench.json'
/** The file of the report of a run or a study. */
export const REPORT_FILE = 'report.html'
/** The folder of a report's charts. */
export const FIGURES_FOLDER = 'figures'
/** The folder of the files from which an unfinished run continues. */
export const CHECKPOINT_FOLDER = 'checkpoint'
/** The file that names the process that is working in the folder. */
export const LOCK_FILE = 'run.lock'
/** The folder of a run that will replace the one next to it. */
export const REPLACEMENT_FOLDER = 'replacement'

/** Everything that a run leaves in its folder, and what was measured of its networks. */
export const RUN_FILES = [
  RECORD_FILE,
  MODEL_FILE,
  QUANTIZED_FILE,
  CODED_FILE,
  REFERENCE_FILE,
  CHECKPOINT_FOLDER,
  EVENTS_FILE,
  BENCH_FILE,
  REPORT_FILE,
  FIGURES_FOLDER,
]
