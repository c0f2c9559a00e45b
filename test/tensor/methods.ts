import type { DType } from '../../lib/base/dtype.js'
import { cat, stack, where } from '../../lib/tensor/combine.js'
import type { Pair } from '../../lib/tensor/functional.js'
import * as functional from '../../lib/tensor/functional.js'
import type { Tensor } from '../../lib/tensor/tensor.js'

type Mask = Tensor<'bool'>
type Index = Tensor<'int64'>
type Maybe<T> = T | undefined

const found = ({ values, indices }: { values: Tensor; indices: Tensor }) => [values, indices]
const reductions = ['none', 'mean', 'sum'] as const
const reduced = (index: Maybe<number>) => ({ reduction: index === undefined ? undefined : reductions[index] })

/** How each operator of the fixture is written by hand, from the arguments of its schema. */
export const METHODS: Readonly<Record<string, (...values: never[]) => Tensor | Tensor[]>> = {
  'add.Tensor': (a: Tensor, b: Tensor, alpha?: number) => a.add(b, { alpha }),
  'sub.Tensor': (a: Tensor, b: Tensor, alpha?: number) => a.sub(b, { alpha }),
  'mul.Tensor': (a: Tensor, b: Tensor) => a.mul(b),
  'mul.Scalar': (a: Tensor, b: number) => a.mul(b),
  'div.Tensor': (a: Tensor, b: Tensor) => a.div(b),
  'pow.Tensor_Scalar': (a: Tensor, exponent: number) => a.pow(exponent),
  neg: (a: Tensor) => a.neg(),
  abs: (a: Tensor) => a.abs(),
  sign: (a: Tensor) => a.sign(),
  exp: (a: Tensor) => a.exp(),
  log: (a: Tensor) => a.log(),
  sqrt: (a: Tensor) => a.sqrt(),
  square: (a: Tensor) => a.square(),
  reciprocal: (a: Tensor) => a.reciprocal(),
  sigmoid: (a: Tensor) => a.sigmoid(),
  tanh: (a: Tensor) => a.tanh(),
  floor: (a: Tensor) => a.floor(),
  round: (a: Tensor) => a.round(),
  clamp: (a: Tensor, min?: number, max?: number) => a.clamp(min, max),
  maximum: (a: Tensor, b: Tensor) => a.maximum(b),
  minimum: (a: Tensor, b: Tensor) => a.minimum(b),
  'where.self': (condition: Mask, yes: Tensor, no: Tensor) => where(condition, yes, no),
  'masked_fill.Scalar': (a: Tensor, mask: Mask, value: number) => a.maskedFill(mask, value),
  isnan: (a: Tensor) => a.isnan(),
  isfinite: (a: Tensor) => a.isfinite(),

  'eq.Tensor': (a: Tensor, b: Tensor) => a.eq(b),
  'ne.Tensor': (a: Tensor, b: Tensor) => a.ne(b),
  'lt.Tensor': (a: Tensor, b: Tensor) => a.lt(b),
  'le.Tensor': (a: Tensor, b: Tensor) => a.le(b),
  'gt.Tensor': (a: Tensor, b: Tensor) => a.gt(b),
  'ge.Tensor': (a: Tensor, b: Tensor) => a.ge(b),
  'gt.Scalar': (a: Tensor, b: number) => a.gt(b),
  logical_and: (a: Tensor, b: Tensor) => a.logicalAnd(b),
  logical_or: (a: Tensor, b: Tensor) => a.logicalOr(b),
  logical_not: (a: Tensor) => a.logicalNot(),

  sum: (a: Tensor) => a.sum(),
  'sum.dim_IntList': (a: Tensor, dim: number[], keepdim?: boolean) => a.sum(dim, { keepdim }),
  mean: (a: Tensor) => a.mean(),
  'mean.dim': (a: Tensor, dim: number[], keepdim?: boolean) => a.mean(dim, { keepdim }),
  std: (a: Tensor, unbiased: boolean) => a.std(undefined, { correction: Number(unbiased) }),
  'std.dim': (a: Tensor, dim: number[], unbiased: boolean, keepdim?: boolean) =>
    a.std(dim, { correction: Number(unbiased), keepdim }),
  var: (a: Tensor, unbiased: boolean) => a.var(undefined, { correction: Number(unbiased) }),
  amax: (a: Tensor, dim: number[], keepdim?: boolean) => a.amax(dim, { keepdim }),
  amin: (a: Tensor, dim: number[], keepdim?: boolean) => a.amin(dim, { keepdim }),
  max: (a: Tensor) => a.max(),
  min: (a: Tensor) => a.min(),
  'max.dim': (a: Tensor, dim: number) => found(a.max(dim)),
  argmax: (a: Tensor, dim?: number) => a.argmax(dim),
  argmin: (a: Tensor, dim?: number) => a.argmin(dim),
  prod: (a: Tensor) => a.prod(),
  all: (a: Tensor) => a.all(),
  any: (a: Tensor) => a.any(),
  count_nonzero: (a: Tensor) => a.countNonzero(),
  cumsum: (a: Tensor, dim: number) => a.cumsum(dim),
  linalg_vector_norm: (a: Tensor, p: number) => a.norm(p),
  topk: (a: Tensor, k: number) => found(a.topk(k)),
  sort: (a: Tensor, dim: number, descending: boolean) => found(a.sort(dim, { descending })),
  kthvalue: (a: Tensor, k: number) => found(a.kthvalue(k)),
  'quantile.scalar': (a: Tensor, q: number) => a.quantile(q),

  reshape: (a: Tensor, shape: number[]) => a.reshape(shape),
  'flatten.using_ints': (a: Tensor, start: number) => a.flatten(start),
  permute: (a: Tensor, dims: number[]) => a.permute(dims),
  'transpose.int': (a: Tensor, dim0: number, dim1: number) => a.transpose(dim0, dim1),
  t: (a: Tensor) => a.t(),
  'squeeze.dim': (a: Tensor, dim: number) => a.squeeze(dim),
  unsqueeze: (a: Tensor, dim: number) => a.unsqueeze(dim),
  expand: (a: Tensor, shape: number[]) => a.expand(shape),
  cat: (tensors: Tensor[], dim?: number) => cat(tensors, dim),
  stack: (tensors: Tensor[], dim?: number) => stack(tensors, dim),
  narrow: (a: Tensor, dim: number, start: number, length: number) => a.narrow(dim, start, length),
  'select.int': (a: Tensor, dim: number, index: number) => a.select(dim, index),
  'slice.Tensor': (a: Tensor, dim: number, start: number, end: number, step: number) =>
    a.slice(dim, start, end, step),
  index_select: (a: Tensor, dim: number, index: Index) => a.indexSelect(dim, index),
  gather: (a: Tensor, dim: number, index: Index) => a.gather(dim, index),
  masked_select: (a: Tensor, mask: Mask) => a.maskedSelect(mask),
  flip: (a: Tensor, dims: number[]) => a.flip(dims),
  repeat: (a: Tensor, repeats: number[]) => a.repeat(repeats),
  nonzero: (a: Tensor) => a.nonzero(),
  'to.dtype': (a: Tensor, dtype: DType) => a.to(dtype),

  matmul: (a: Tensor, b: Tensor) => a.matmul(b),
  mm: (a: Tensor, b: Tensor) => a.mm(b),
  bmm: (a: Tensor, b: Tensor) => a.bmm(b),
  addmm: (a: Tensor, b: Tensor, c: Tensor, beta: number, alpha: number) => a.addmm(b, c, { beta, alpha }),
  dot: (a: Tensor, b: Tensor) => a.dot(b),
  outer: (a: Tensor, b: Tensor) => a.outer(b),

  linear: functional.linear,
  conv2d: (
    input: Tensor,
    weight: Tensor,
    bias: Maybe<Tensor>,
    stride: Pair,
    padding: Pair,
    dilation?: Pair,
    groups?: number,
  ) => functional.conv2d(input, weight, bias, { stride, padding, dilation, groups }),
  max_pool2d: (input: Tensor, kernel: Pair, stride?: Pair, padding?: Pair) =>
    functional.maxPool2d(input, kernel, { stride, padding }),
  avg_pool2d: (input: Tensor, kernel: Pair) => functional.avgPool2d(input, kernel),
  adaptive_avg_pool2d: functional.adaptiveAvgPool2d,
  relu: (a: Tensor) => a.relu(),
  leaky_relu: (a: Tensor, slope: number) => a.leakyRelu(slope),
  gelu: (a: Tensor) => a.gelu(),
  silu: (a: Tensor) => a.silu(),
  'softmax.int': (a: Tensor, dim: number) => a.softmax(dim),
  'log_softmax.int': (a: Tensor, dim: number) => a.logSoftmax(dim),
  nll_loss: (input: Tensor, target: Index) => functional.nllLoss(input, target),
  cross_entropy_loss: (
    scores: Tensor,
    target: Index,
    weight: Maybe<Tensor>,
    reduction?: number,
    ignoreIndex?: number,
    labelSmoothing?: number,
  ) =>
    functional.crossEntropy(scores, target, { weight, ...reduced(reduction), ignoreIndex, labelSmoothing }),
  mse_loss: (input: Tensor, target: Tensor) => functional.mseLoss(input, target),
  binary_cross_entropy_with_logits: (scores: Tensor, target: Tensor) =>
    functional.binaryCrossEntropyWithLogits(scores, target),
  layer_norm: (input: Tensor, shape: number[], weight: Tensor, bias: Tensor) =>
    functional.layerNorm(input, shape, { weight, bias }),
  batch_norm: (
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    runningMean: Tensor,
    runningVar: Tensor,
    training: boolean,
  ) => functional.batchNorm(input, { weight, bias, runningMean, runningVar, training }),
  one_hot: (a: Tensor, classes: number) => a.oneHot(classes),
  embedding: functional.embedding,
  pad: (a: Tensor, borders: number[]) => a.pad(borders),
}
