#include <ATen/ATen.h>

#include "../base/arguments.h"
#include "../data/memory_dataset.h"
#include "../network/autocast.h"
#include "../network/claim.h"
#include "../network/jobs.h"
#include "../tensor/non_finite.h"
#include "../tensor/tensor.h"
#include "running_statistics.h"
#include "sweep.h"

namespace torch_prune {
namespace {

std::pair<std::shared_ptr<Job>, std::shared_ptr<Sweep>> NewSweep(const Napi::CallbackInfo& info,
                                                                 const char* by, Access access) {
  auto& environment = Environment::Of(info.Env());
  const Options options(info[2], "options");
  auto sweep = std::make_shared<Sweep>();
  sweep->network = access == Access::kWrite ? UseNetwork(info[0]) : ReadNetwork(info[0]);
  sweep->dataset = DatasetHandle::Get(info[1], "dataset");
  sweep->dataset->NeedIndex(by);
  sweep->batch_size = options.Integer("batchSize");
  if (sweep->batch_size < 1) throw Error("ERR_ARGUMENT", "batchSize must be 1 or more");
  sweep->autocast = Autocast::Wanted(options);
  sweep->augmentation = Augmentation::Of(options.Get("augment"));
  sweep->seed = static_cast<std::uint64_t>(options.Integer("seed", 0));
  sweep->variants = options.Integer("variants", 1);
  if (sweep->variants < 1) throw Error("ERR_ARGUMENT", "variants must be 1 or more");
  if (std::int64_t rows = 0; __builtin_mul_overflow(sweep->dataset->size(), sweep->variants, &rows))
    throw Error("ERR_MEMORY", "variants asks for more samples than memory can hold: lower it");
  sweep->dataset->CheckAugmentation(sweep->augmentation);
  const auto job = environment.compute.NewJob(info.Env());
  ClaimNetwork(environment, *job, *sweep->network, access, {by, sweep->dataset->Memory(), {}});
  if (info[3].IsFunction()) job->on_progress = Napi::Persistent(info[3].As<Napi::Function>());
  return {job, sweep};
}

Slices PredictAll(Sweep& sweep, Job& job) {
  auto work = sweep.Run(job, [&network = *sweep.network](const at::Tensor& images) {
    return network.Forward(images, /*training=*/false);
  });
  while (work.Next()) co_await kHandOver;
  sweep.finite = !sweep.outputs.defined() || !FindNonFinite(sweep.outputs).any();
}

// predictionStart(network, dataset, {batchSize, autocast?}, onProgress?): {logits, finite}, the logits of
// every sample, [N, classes], and whether all of them are numbers.
Napi::Value Predict(const Napi::CallbackInfo& info) {
  const auto [job, sweep] = NewSweep(info, "predict()", Access::kRead);
  job->slices = [sweep = sweep](Job& running) { return PredictAll(*sweep, running); };
  job->finish = [sweep = sweep](Napi::Env env) -> Napi::Value {
    auto result = Napi::Object::New(env);
    result.Set("logits", Wrap(env, sweep->outputs));
    result.Set("finite", sweep->finite);
    return result;
  };
  return Environment::Of(info.Env()).compute.Start(info.Env(), job);
}

// prefixStart(network, dataset, {batchSize, augment?, seed?, variants?, autocast?, folder?}, onProgress?): a
// dataset of what the frozen prefix puts out.
Napi::Value Prefix(const Napi::CallbackInfo& info) {
  const auto [job, sweep] = NewSweep(info, "train()", Access::kRead);
  if (!sweep->dataset->labels().defined()) {
    throw Error("ERR_ARGUMENT",
                "a cache of the frozen prefix needs a dataset that nothing maps: leave cachePrefix out");
  }
  const int cut = sweep->network->FrozenPrefix();
  if (cut < 0) {
    throw Error("ERR_ARGUMENT",
                "no layers in front are frozen and deterministic: freeze some, or train without a cache");
  }
  if (const Options options(info[2], "options"); options.Has("folder"))
    sweep->folder = options.String("folder");
  job->slices = [sweep = sweep, cut](Job& running) {
    return sweep->Run(running, [&network = *sweep->network, cut](const at::Tensor& images) {
      return network.Run(-1, images, cut, /*training=*/false);
    });
  };
  job->finish = [sweep = sweep](Napi::Env env) -> Napi::Value {
    return DatasetHandle::Wrap(
        env, std::make_shared<MemoryDataset>(sweep->outputs, Targets(sweep->dataset->labels()),
                                             std::vector<double>{}, std::vector<double>{}, sweep->variants,
                                             sweep->absent, !sweep->folder.empty()));
  };
  return Environment::Of(info.Env()).compute.Start(info.Env(), job);
}

// statisticsStart(network, dataset, {batchSize, dropLast?, autocast?}, onProgress?): batch normalisation's
// running statistics become the means over the batches of the dataset, in its order, of those of each (as
// torch.optim.swa_utils.update_bn has it). Frozen layers keep theirs.
Napi::Value Statistics(const Napi::CallbackInfo& info) {
  const auto [job, sweep] = NewSweep(info, "train()", Access::kWrite);
  sweep->drop_last = Options(info[2], "options").Boolean("dropLast", false);
  job->slices = [sweep = sweep](Job& running) { return RestateStatistics(*sweep, running); };
  job->finish = [](Napi::Env env) { return env.Undefined(); };
  return Environment::Of(info.Env()).compute.Start(info.Env(), job);
}

}  // namespace

void RegisterSweeps(Napi::Object exports) {
  Export<Predict>(exports, "predictionStart");
  Export<Prefix>(exports, "prefixStart");
  Export<Statistics>(exports, "statisticsStart");
}

}  // namespace torch_prune
