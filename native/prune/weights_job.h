#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "../network/claim.h"

namespace torch_prune {

// Starts a job over a network's weights on the compute thread: a hundred million weights take longer than an
// event loop may wait. `work` runs there, without autograd; `finish` makes its result.
Napi::Value StartWeightsJob(Napi::Env env, const std::shared_ptr<Network>& network,
                            std::function<void()> work, std::function<Napi::Value(Napi::Env)> finish,
                            Access access = Access::kWrite, std::vector<at::Tensor> reads = {});

}  // namespace torch_prune
