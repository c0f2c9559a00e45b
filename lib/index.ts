import { cifar10 } from './data/cifar10.js'
import { imageClasses, imageFolder } from './data/images.js'
import { mnist } from './data/mnist.js'
import { images } from './data/open_images.js'
import { packed } from './data/packed.js'
import { prune as pruneNetwork } from './prune/prune.js'
import { splice, spliceOnce } from './prune/splicing.js'
import { removeDeadNeurons } from './prune/surgery/shrink.js'
import { sensitivity } from './studies/sensitivity.js'
import { solveThresholds } from './studies/solve.js'
import { tradeoff } from './studies/tradeoff.js'

export type { ComputeOptions, MemoryFormat } from './base/compute.js'
export { type ErrorCode, TorchPruneError } from './base/errors.js'
export type { Job, JobState } from './base/job.js'
export { jobThreads, setEagerThreads, setJobThreads } from './binding/threads.js'
export { type Versions, versions } from './binding/versions.js'
export type { Augmentation } from './data/augment.js'
export type { Batch, BatchesOf, BatchSource, MapOptions, MappedBatch } from './data/batches.js'
export { CIFAR10_CLASSES, type Cifar10Options } from './data/cifar10.js'
export { Dataset, type Samples, type SkippedSample } from './data/dataset.js'
export type { CheckOptions, DatasetOptions, FromBatchesOptions, ReadOptions } from './data/dataset_options.js'
export type { ImageFolderOptions, ImageOptions, ImageSplits } from './data/images.js'
export type { MnistOptions } from './data/mnist.js'
export { type PackOptions, type PackResult, packImages } from './data/packed.js'
export type { DataSplits } from './data/splits.js'
export { type ProcessGroup, type ProcessGroupOptions, processGroup } from './distributed/process_group.js'
export { readSafetensors, writeSafetensors } from './formats/safetensors.js'
export { readTensorFile } from './formats/tensor_file.js'
export type { ClassifyOptions, Guess } from './infer/classes.js'
export type { CompileOptions } from './infer/options.js'
export type {
  CompiledLayer,
  LayerForm,
  Session,
  SessionSamples,
} from './infer/session.js'
export * as models from './models/index.js'
export {
  type PretrainedInfo,
  type PretrainedName,
  type PretrainedNetwork,
  pretrained,
  pretrainedInfo,
} from './models/pretrained.js'
export { pretrainedNames } from './models/pretrained_names.js'
export type * from './named_types.js'
export type { AnyNetwork } from './nn/any_network.js'
export type { LayerCost } from './nn/cost.js'
export type { ExportOptions } from './nn/export_coded.js'
export type { LayerKinds, LayerName, Layers, PrunableName } from './nn/graph.js'
export * as nn from './nn/index.js'
export { type LoadOptions, loadNetwork, loadWeights } from './nn/load.js'
export { type LoadSessionOptions, loadSession } from './nn/load_session.js'
export type { LoadStateOptions, StateKeys } from './nn/load_state.js'
export { Network, network } from './nn/network.js'
export type { ForwardOptions, NetworkOptions } from './nn/network_options.js'
export type { MaskOptions } from './nn/state.js'
export type { LoadedWeights } from './nn/weights_file.js'
export type { WeightsOptions } from './nn/zeros.js'
export * as optim from './optim/index.js'
export type { Criterion, SpliceCriterion } from './prune/criterion.js'
export type { DropoutRule } from './prune/dropout.js'
export { type ApplyOptions, applyCriterion, keptWeights, type LayerKept } from './prune/mask.js'
export type { PruneOptions, ShrinkOptions, SolveOptions, SpliceOnceOptions } from './prune/options.js'
export type { Phase, Phases } from './prune/phases.js'
export type {
  InitialDeviations,
  PrunedPhase,
  PruneProgress,
  RetrainEpoch,
  SpliceEpoch,
  SplicePoint,
  SpliceTargetState,
} from './prune/progress.js'
export type { PruneResult, Round } from './prune/round.js'
export { criteria, type Score } from './prune/score/index.js'
export type { Scored, Selection } from './prune/select/index.js'
export type { DeviationOf } from './prune/select/selection.js'
export type { SpliceOptions, SpliceResult } from './prune/splicing.js'
export { type ParameterReport, parameterReport } from './prune/surgery/neurons.js'
export type { ShrinkReport } from './prune/surgery/shrink.js'
export type { QuantizeBudget } from './quantize/options.js'
export type {
  ClusteredWeights,
  MeasuredSharing,
  QuantizedNetwork,
  QuantizeEvent,
  QuantizeResult,
  RoundedWeights,
  SharedEpoch,
} from './quantize/progress.js'
export { type ByLayer, type QuantizeOptions, quantize } from './quantize/quantize.js'
export { type LayerSize, type NetworkSize, networkSize, type SizeOptions } from './quantize/size.js'
export { defineRecipe, type Recipe } from './recipes/recipe.js'
export { type RunOptions, type RunResult, runRecipe } from './recipes/run.js'
export type { RunRecord } from './runs/record.js'
export type { Sensitivity, SensitivityOptions } from './studies/sensitivity.js'
export type { Budget, Solution } from './studies/solve.js'
export { TRADEOFF_CURVES, type TradeoffOptions } from './studies/tradeoff.js'
export * from './tensor/index.js'
export { evaluate, predict } from './train/evaluate.js'
export {
  type BinaryCrossEntropyLoss,
  type BinaryCrossEntropyLossOptions,
  type CrossEntropyLoss,
  type CrossEntropyLossOptions,
  type HuberLossOptions,
  type Loss,
  losses,
  type RegressionLoss,
} from './train/losses.js'
export type {
  ClassEvaluation,
  Evaluation,
  EvaluationOf,
  LabelEvaluation,
  RegressionEvaluation,
} from './train/metrics.js'
export type { CacheOptions } from './train/options/cache.js'
export type { CheckpointOptions } from './train/options/checkpoint.js'
export type { ClipGradients } from './train/options/clip_gradients.js'
export type { Distillation, SelfDistillation } from './train/options/distillation.js'
export type { EarlyStoppingOptions } from './train/options/early_stopping.js'
export type { EvaluateOptions, PredictOptions } from './train/options/evaluate.js'
export type { ProgressiveResizing } from './train/options/progressive_resizing.js'
export type { RetrainOptions, TrainOptions } from './train/options.js'
export type { TrainPosition, TrainProgress } from './train/progress.js'
export { train } from './train/train.js'
export type { CaptureRecord, Epoch, TrainResult } from './train/training.js'

/** Data sets that are read from their own files. */
export const data = { mnist, cifar10, images, imageFolder, imageClasses, packed }

/** Prunes and retrains a network in rounds. Splicing, studies and surgery are its members (`prune.splice(…)`). */
export const prune = Object.assign(pruneNetwork, {
  splice,
  spliceOnce,
  sensitivity,
  solveThresholds,
  tradeoff,
  removeDeadNeurons,
})
