/**
 * `torch-prune/coded`: reads coded files and runs their networks in plain JavaScript, in Node, in workers and in
 * browsers. It imports no native code and no other package.
 */
export { type ErrorCode, TorchPruneError } from '../base/errors.js'
export type { Profile } from './container.js'
export type { CodedDType, GraphInfo, LayerInfo, TensorInfo } from './description.js'
export type { SparseRows } from './matrix.js'
export { CodedNetwork, type ReadCodedOptions, readCoded } from './network.js'
export { type CodedArray, CodedTensor } from './tensor.js'
