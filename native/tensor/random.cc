#include "random.h"

#include <ATen/ATen.h>
#include <torch/cuda.h>

#include "../base/arguments.h"
#include "tensor.h"

namespace torch_prune {
namespace {

// manualSeed(seed): seeds libtorch's default generators, which all eager random operators draw from. They
// belong to the process and are shared by its worker threads; networks and jobs have generators of their own.
Napi::Value ManualSeed(const Napi::CallbackInfo& info) {
  at::manual_seed(static_cast<std::uint64_t>(ToInteger(info[0], "seed")));
  return info.Env().Undefined();
}

Napi::Value RandomState(const Napi::CallbackInfo& info) {
  auto generator = at::globalContext().defaultGenerator(at::kCPU);
  std::lock_guard lock(generator.mutex());
  return Wrap(info.Env(), generator.get_state());
}

Napi::Value SetRandomState(const Napi::CallbackInfo& info) {
  auto generator = at::globalContext().defaultGenerator(at::kCPU);
  const auto& state = Unwrap(info[0], "state");
  std::lock_guard lock(generator.mutex());
  generator.set_state(state);
  return info.Env().Undefined();
}

}  // namespace

void RegisterRandom(Napi::Object exports) {
  Export<ManualSeed>(exports, "manualSeed");
  Export<RandomState>(exports, "randomState");
  Export<SetRandomState>(exports, "setRandomState");
}

}  // namespace torch_prune
