#pragma once
#include <functional>
#include <string>
#include <vector>

#include "../network/network.h"
#include "filters.h"

namespace torch_prune {

// What ranks the weights of one tensor: of its shape, or one for each filter.
using ScoreOf = std::function<at::Tensor(const at::Tensor& weight, const FilterOrder& order)>;

// Starts a job that scores each of these weights, and resolves to a list of tensors.
Napi::Value StartScoresJob(Napi::Env env, const std::shared_ptr<Network>& network,
                           const std::vector<std::string>& names, ScoreOf score);

}  // namespace torch_prune
