// Written by `npm run layers` from the files beside it.
import adaptiveAvgPool2d from './adaptive_avg_pool2d.js'
import add from './add.js'
import avgPool2d from './avg_pool2d.js'
import batchNorm2d from './batch_norm2d.js'
import concat from './concat.js'
import convTranspose2d from './conv_transpose2d.js'
import conv1d from './conv1d.js'
import conv2d from './conv2d.js'
import dropout from './dropout.js'
import flatten from './flatten.js'
import gelu from './gelu.js'
import groupNorm from './group_norm.js'
import hardswish from './hardswish.js'
import layerNorm from './layer_norm.js'
import leakyRelu from './leaky_relu.js'
import linear from './linear.js'
import localResponseNorm from './local_response_norm.js'
import maxPool2d from './max_pool2d.js'
import mul from './mul.js'
import relu from './relu.js'
import relu6 from './relu6.js'
import sigmoid from './sigmoid.js'
import silu from './silu.js'
import tanh from './tanh.js'
import upsample from './upsample.js'

/** Every kind of layer by its name. */
export const kinds = {
  adaptiveAvgPool2d,
  add,
  avgPool2d,
  batchNorm2d,
  concat,
  conv1d,
  conv2d,
  convTranspose2d,
  dropout,
  flatten,
  gelu,
  groupNorm,
  hardswish,
  layerNorm,
  leakyRelu,
  linear,
  localResponseNorm,
  maxPool2d,
  mul,
  relu,
  relu6,
  sigmoid,
  silu,
  tanh,
  upsample,
}
