#include "weight_scores.h"

#include <ATen/ATen.h>

#include "../tensor/tensor.h"
#include "weights_job.h"

namespace torch_prune {

Napi::Value StartScoresJob(Napi::Env env, const std::shared_ptr<Network>& network,
                           const std::vector<std::string>& names, ScoreOf score) {
  auto weights = std::make_shared<std::vector<std::pair<at::Tensor, FilterOrder>>>();
  for (const auto& name : names) {
    const auto& named = network->Find(name);
    weights->emplace_back(named.tensor, *named.layer);
  }
  auto scores = std::make_shared<std::vector<at::Tensor>>();
  return StartWeightsJob(
      env, network,
      [weights, scores, score = std::move(score)] {
        for (const auto& [weight, order] : *weights) scores->push_back(score(weight, order));
      },
      [scores](Napi::Env env) {
        auto list = Napi::Array::New(env, scores->size());
        for (std::uint32_t i = 0; i < scores->size(); ++i) list.Set(i, Wrap(env, (*scores)[i]));
        return Napi::Value(list);
      },
      Access::kRead);
}

}  // namespace torch_prune
