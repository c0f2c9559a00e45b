#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

#include "../base/fields.h"
#include "../data/dataset.h"
#include "../network/claim.h"
#include "../network/jobs.h"
#include "../network/network.h"
#include "../tensor/tensor.h"
#include "../train/loss.h"

namespace torch_prune {
namespace {

struct FisherOptions {
  std::int64_t samples, batch_size;
  std::uint64_t seed;
  std::shared_ptr<Loss> loss;
};
const auto kFisherFields = Fields<FisherOptions>(
    "fisher", Field("samples", &FisherOptions::samples).AtLeast(1),
    Field("batchSize", &FisherOptions::batch_size).AtLeast(1), Field("seed", &FisherOptions::seed),
    Field("loss", &FisherOptions::loss).Optional());

struct Fisher {
  std::shared_ptr<Network> network;
  std::shared_ptr<Dataset> dataset;
  std::int64_t samples = 0, batch_size = 0;
  std::uint64_t seed = 0;
  std::shared_ptr<const Loss> loss;
  std::vector<at::Tensor> weights, sums;  // of squares; the scores in the end

  Slices Run(Job& job);

 private:
  void Add(const Dataset::Batch& batch);
};

void Fisher::Add(const Dataset::Batch& batch) {
  const at::Tensor outputs = network->Forward(batch.images, /*training=*/false);
  loss->Check(outputs.sizes(), dataset->targets(), "the dataset");
  if (batch.targets) loss->Check(outputs.sizes(), *batch.targets, "the dataset");
  if (!(loss->Count(batch.labels) > 0)) return;
  // Asked of autograd directly: nothing is accumulated, so `.grad` stays as it is.
  const auto gradients = torch::autograd::grad({loss->Forward(outputs, batch.labels)}, weights);
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < weights.size(); ++i) sums[i].addcmul_(gradients[i], gradients[i]);
}

Slices Fisher::Run(Job& job) {
  double batches = 0;
  for (const auto& weight : weights)
    sums.push_back(at::zeros_like(weight, weight.options().requires_grad(false)));
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  const at::Tensor drawn = at::randperm(dataset->size(), generator, at::kLong);
  const auto* first = drawn.const_data_ptr<std::int64_t>();
  const auto pass = dataset->Read({{first, first + samples}, batch_size, network->device()});
  for (std::int64_t begin = 0; begin < samples && !job.Cancelled(); begin += batch_size) {
    while (!pass->Ready(job) && !job.Cancelled()) co_await kHandOver;
    {
      const auto batch = pass->Next(job);
      if (batch.size() == 0) continue;
      Add(batch);
    }
    ++batches;
    co_await kHandOver;
  }
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const at::Tensor& information = sums[i].div_(std::max(batches, 1.0));
    sums[i] = weights[i].detach().square().mul_(information).mul_(0.5);
  }
}

// fisherStart(network, dataset, options, names): for each weight what the loss
// would rise by without it, float32: half its square times the mean over batches of its squared gradient,
// which is the diagonal of the empirical Fisher information, up to the batch size. The samples are drawn by
// the seed, each at most once: the first ones of a folder are all of one class.
Napi::Value Start(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  const auto options = kFisherFields.Read(info[2], "options");
  const auto fisher = std::make_shared<Fisher>();
  fisher->network = ReadNetwork(info[0]);
  fisher->dataset = DatasetHandle::Get(info[1], "dataset");
  fisher->dataset->NeedIndex("the Fisher criterion");
  fisher->samples = std::min(options.samples, fisher->dataset->size());
  fisher->batch_size = options.batch_size;
  fisher->seed = options.seed;
  fisher->loss = Loss::On(options.loss, fisher->network->device());
  for (const auto& name : ToStrings(info[3], "names"))
    fisher->weights.push_back(fisher->network->Find(name).tensor);
  const auto job = environment.compute.NewJob(info.Env());
  ClaimNetwork(environment, *job, *fisher->network, Access::kRead,
               {"a criterion", fisher->dataset->Memory(), {}});
  job->slices = [fisher](Job& running) { return fisher->Run(running); };
  job->finish = [fisher](Napi::Env env) -> Napi::Value {
    auto list = Napi::Array::New(env, fisher->sums.size());
    for (std::uint32_t i = 0; i < fisher->sums.size(); ++i) list.Set(i, Wrap(env, fisher->sums[i]));
    return list;
  };
  return environment.compute.Start(info.Env(), job);
}

}  // namespace

void RegisterFisher(Napi::Object exports) {
  Export<Start>(exports, "fisherStart");
}

}  // namespace torch_prune
