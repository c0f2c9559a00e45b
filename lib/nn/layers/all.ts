// Written by `npm run layers` from the files beside it.
import adaptiveAvgPool2d from './adaptive_avg_pool2d.js'
import add from './add.js'
import avgPool2d from './avg_pool2d.js'
import batchNorm2d from './batch_norm2d.js'
import conv2d from './conv2d.js'
import dropout from './dropout.js'
import flatten from './flatten.js'
import linear from './linear.js'
import localResponseNorm from './local_response_norm.js'
import maxPool2d from './max_pool2d.js'
import relu from './relu.js'

/** Every kind of layer by its name. */
export const kinds = {
  adaptiveAvgPool2d,
  add,
  avgPool2d,
  batchNorm2d,
  conv2d,
  dropout,
  flatten,
  linear,
  localResponseNorm,
  maxPool2d,
  relu,
}
