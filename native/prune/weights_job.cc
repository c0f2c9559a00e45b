#include "weights_job.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace torch_prune {

Napi::Value StartWeightsJob(Napi::Env env, const std::shared_ptr<Network>& network,
                            std::function<void()> work, std::function<Napi::Value(Napi::Env)> finish,
                            Access access, std::vector<at::Tensor> reads) {
  auto& environment = Environment::Of(env);
  const auto job = environment.compute.NewJob(env);
  ClaimNetwork(environment, *job, *network, access, {"a job over its weights", std::move(reads), {}});
  job->run = [work = std::move(work), network](Job&) {
    const at::NoGradGuard no_grad;
    network->Draw();
    work();
  };
  job->finish = std::move(finish);
  return environment.compute.Start(env, job);
}

}  // namespace torch_prune
