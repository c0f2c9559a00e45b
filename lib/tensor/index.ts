export type { DType } from '../base/dtype.js'
export type { CudaMemory, CudaProperties, CudaSwitches } from '../binding/native.js'
export { enableGrad, type GradientHook, type Hook, noGrad } from './autograd.js'
export { cat, einsum, stack, where } from './combine.js'
export { type CudaOptions, cuda } from './cuda.js'
export { type Device, synchronize } from './device.js'
export type { Elements, FloatDType, IntegerDType } from './elements.js'
export {
  arange,
  empty,
  emptyLike,
  eye,
  full,
  fullLike,
  linspace,
  ones,
  onesLike,
  rand,
  randint,
  randLike,
  randn,
  randnLike,
  randperm,
  type TensorOptions,
  zeros,
  zerosLike,
} from './factories.js'
export { type DTypeOf, type TensorData, tensor } from './from.js'
/** Layers and losses as functions of tensors: `functional.conv2d(input, weight)`. */
export * as functional from './functional.js'
export type { Nested } from './nested.js'
export { type OperatorResult, operator } from './operator.js'
export type { Operand } from './pointwise.js'
export { getRngState, manualSeed, setRngState } from './random.js'
export type { Found } from './reduction.js'
export { keep, memory, scope } from './scope.js'
export type { Shape } from './shape.js'
export { Tensor } from './tensor.js'
