#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

#include "../arguments.h"
#include "../data/dataset.h"
#include "../tensor/tensor.h"
#include "jobs.h"
#include "network.h"

namespace torch_prune {
namespace {

// fisherStart(network, dataset, {samples, batchSize, seed}, names): for each weight, the mean over batches of
// its squared gradient, float32: the diagonal of the empirical Fisher information, up to the batch size. The
// samples are drawn by the seed, each at most once: the first ones of a folder are all of one class.
Napi::Value Start(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  const Options options(info[2], "options");
  const auto network = UseNetwork(info[0]);
  const auto dataset = DatasetHandle::Get(info[1], "dataset");
  const auto samples = std::min(options.Integer("samples"), dataset->size());
  const auto batch_size = options.Integer("batchSize");
  const auto seed = static_cast<std::uint64_t>(options.Integer("seed"));
  if (batch_size < 1 || samples < 1)
    throw Error("ERR_ARGUMENT", "fisher needs a batch of one sample or more");
  auto weights = std::make_shared<std::vector<at::Tensor>>();
  for (const auto& name : ToStrings(info[3], "names")) weights->push_back(network->Find(name).tensor);
  auto sums = std::make_shared<std::vector<at::Tensor>>();
  const auto job = environment.compute.NewJob(info.Env());
  job->claim = environment.ownership.Take(network->Owned());
  job->run = [=](Job& running) {
    double batches = 0;
    for (const auto& weight : *weights)
      sums->push_back(at::zeros_like(weight, weight.options().requires_grad(false)));
    auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
    const at::Tensor drawn = at::randperm(dataset->size(), generator, at::kLong);
    const auto* first = drawn.const_data_ptr<std::int64_t>();
    const auto pass = dataset->Read({{first, first + samples}, batch_size, network->device()});
    for (std::int64_t begin = 0; begin < samples && !running.Cancelled(); begin += batch_size) {
      const auto batch = pass->Next(running);
      if (batch.size() == 0) continue;
      const auto loss =
          at::cross_entropy_loss(network->Forward(batch.images, /*training=*/false), batch.labels);
      // Asked of autograd directly: nothing is accumulated, so `.grad` stays as it is.
      const auto gradients = torch::autograd::grad({loss}, *weights);
      const at::NoGradGuard no_grad;
      for (std::size_t i = 0; i < weights->size(); ++i) (*sums)[i].addcmul_(gradients[i], gradients[i]);
      ++batches;
    }
    for (auto& sum : *sums) sum.div_(std::max(batches, 1.0));
  };
  job->finish = [sums](Napi::Env env) -> Napi::Value {
    auto list = Napi::Array::New(env, sums->size());
    for (std::uint32_t i = 0; i < sums->size(); ++i) list.Set(i, Wrap(env, (*sums)[i]));
    return list;
  };
  return environment.compute.Start(info.Env(), job);
}

}  // namespace

void RegisterFisher(Napi::Object exports) {
  Export<Start>(exports, "fisherStart");
}

}  // namespace torch_prune
