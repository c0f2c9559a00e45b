/** Handles of objects in the addon: opaque, and told apart by their kind. */
declare const kind: unique symbol
/** A tensor in the addon. */
export interface TensorHandle {
  readonly [kind]: 'tensor'
}
/** A dataset in the addon. */
export interface DatasetHandle {
  readonly [kind]: 'dataset'
}
/** A list of files in the addon. */
export interface FilesHandle {
  readonly [kind]: 'list of files'
}
/** A queue of batches in the addon. */
export interface BatchQueueHandle {
  readonly [kind]: 'batch queue'
}
/** A network in the addon. */
export interface NetworkHandle {
  readonly [kind]: 'network'
}
/** A compiled network in the addon. */
export interface SessionHandle {
  readonly [kind]: 'session'
}
/** An optimizer in the addon. */
export interface OptimizerHandle {
  readonly [kind]: 'optimizer'
}
/** A trainer in the addon: a training in progress. */
export interface TrainerHandle {
  readonly [kind]: 'trainer'
}
/** The processes that train together. */
export interface ProcessGroupHandle {
  readonly [kind]: 'process group'
}
/** A lease in the addon: what a training run owns. */
export interface LeaseHandle {
  readonly [kind]: 'lease'
}
