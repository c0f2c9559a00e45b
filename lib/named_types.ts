// Types that stand in the signatures of what `index.ts` exports, so that programs can name what they pass around.
export type { Abortable } from './base/abort.js'
export type { LockOwner } from './base/lock.js'
export type { JobProgress, SplicingCounts } from './binding/native.js'
export type { JobOptions, Listener } from './binding/native_job.js'
export type { Batches } from './data/batches.js'
export type {
  ReadSafetensorsOptions,
  SafetensorsFile,
  WriteSafetensorsOptions,
} from './formats/safetensors.js'
export type { ConnectionKind } from './nn/cost.js'
export type { DropoutName, Node as LayerNode, ParameterName } from './nn/graph.js'
export type { DroppingKind, LayerKindName, PrunableKind, TensorNames } from './nn/layer_kind.js'
export type { Pair as SizePair } from './nn/layers/parts/options.js'
export type { Codebook, NetworkTensors } from './nn/network_tensors.js'
export type { KeptNeurons, RemovedNeurons } from './nn/surgery/shrinking.js'
export type { PruningData } from './prune/round.js'
export type { TwoPaces } from './prune/schedule.js'
export type { AnyScore } from './prune/score/score.js'
export type * from './prune/score/types.js'
export type {
  AnySelection,
  InLayers,
  LayersOption,
  Pair as CriterionOf,
  PerLayer,
} from './prune/select/selection.js'
export type * from './prune/select/types.js'
export type { Certificate } from './prune/surgery/shrink.js'
export type { QuantizingData } from './quantize/quantize.js'
export type { SharingPoint } from './quantize/solve.js'
export type { DataSource, NamedData } from './recipes/data.js'
export type { FoundRun } from './recipes/folder.js'
export type { ModelSource, NamedModel, NetworkOf, PlainGraph, PrunableIn } from './recipes/model.js'
export type { DensePlan, PrunePlan, QuantizePlan, RetrainPlan, SharedRetrainPlan } from './recipes/recipe.js'
export type { RunListener, RunPlace, SessionOptions } from './recipes/session.js'
export type { RunState } from './runs/checkpoint.js'
export type { PaperErrors, PaperLayer, PaperTable } from './runs/paper.js'
export type { StudyProgress } from './studies/progress.js'
export type { LayerSensitivity, SensitivityPoint } from './studies/sensitivity.js'
export type { CurveKind, TradeoffResult } from './studies/tradeoff.js'
export type { StoredTensor, TensorBytes, TensorPieces } from './tensor/bytes.js'
export type { NumberArray } from './tensor/from.js'
export type { Argument, Scalar } from './tensor/invoke.js'
export type { Dims, KeepDim } from './tensor/reduction.js'
export type { LrScale } from './train/options/lr_scale.js'
