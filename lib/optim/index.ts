// The namespace `optim`: optimizers, schedules, regularization and averages.
export { type Averaging, ema, swa } from './averaging.js'
export { Optimizer, type ParameterState } from './optimizer.js'
export { l1, l2, noRegularization, type Regularization } from './regularization.js'
export { type CosineOptions, constant, cosine, type Schedule, step } from './schedule.js'
export {
  type AdamOptions,
  type AdamSpec,
  adam,
  adamw,
  type OptimizerSpec,
  type SgdOptions,
  type SgdSpec,
  sgd,
} from './spec.js'
