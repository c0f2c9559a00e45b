#pragma once
// The headers that take seconds each, compiled once (CMake only; node-gyp includes them a file at a time).
#include <ATen/ATen.h>
#include <napi.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
