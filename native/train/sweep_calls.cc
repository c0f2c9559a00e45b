#include <ATen/ATen.h>

#include "../data/memory_dataset.h"
#include "../network/claim.h"
#include "../network/jobs.h"
#include "../tensor/non_finite.h"
#include "../tensor/tensor.h"
#include "running_statistics.h"
#include "sweep.h"

namespace torch_prune {
namespace {

// What all passes over a dataset take.
struct SweepOptions {
  std::int64_t batch_size;
  AutocastTo autocast = AutocastTo::kNone;
};
struct PrefixOptions : SweepOptions {
  Augmentation augment;
  std::uint64_t seed = 0;
  std::int64_t variants = 1;
  std::string folder;
};
struct StatisticsOptions : SweepOptions {
  bool drop_last = false;
};
const auto kPredictionFields =
    Fields<SweepOptions>("prediction", Field("batchSize", &SweepOptions::batch_size).AtLeast(1),
                         Field("autocast", &SweepOptions::autocast).Optional());
const auto kPrefixFields = Fields<PrefixOptions>(
    "prefix", Field("batchSize", &SweepOptions::batch_size).AtLeast(1),
    Field("autocast", &SweepOptions::autocast).Optional(),
    Field("augment", &PrefixOptions::augment).Optional(), Field("seed", &PrefixOptions::seed).Optional(),
    Field("variants", &PrefixOptions::variants).Optional().AtLeast(1),
    Field("folder", &PrefixOptions::folder).Optional());
const auto kStatisticsFields =
    Fields<StatisticsOptions>("statistics", Field("batchSize", &SweepOptions::batch_size).AtLeast(1),
                              Field("autocast", &SweepOptions::autocast).Optional(),
                              Field("dropLast", &StatisticsOptions::drop_last).Optional());

std::shared_ptr<Sweep> NewSweep(const Napi::CallbackInfo& info, const SweepOptions& options, const char* by,
                                Access access) {
  auto sweep = std::make_shared<Sweep>();
  sweep->network = access == Access::kWrite ? UseNetwork(info[0]) : ReadNetwork(info[0]);
  sweep->dataset = DatasetHandle::Get(info[1], "dataset");
  sweep->dataset->NeedIndex(by);
  sweep->batch_size = options.batch_size;
  sweep->autocast = options.autocast;
  return sweep;
}

std::shared_ptr<Job> NewJob(const Napi::CallbackInfo& info, const Sweep& sweep, const char* by,
                            Access access) {
  auto& environment = Environment::Of(info.Env());
  const auto job = environment.compute.NewJob(info.Env());
  ClaimNetwork(environment, *job, *sweep.network, access, {by, sweep.dataset->Memory(), {}});
  if (info[3].IsFunction()) job->on_progress = Napi::Persistent(info[3].As<Napi::Function>());
  return job;
}

Slices PredictAll(Sweep& sweep, Job& job) {
  auto work = sweep.Run(job, [&network = *sweep.network](const at::Tensor& images) {
    return network.Forward(images, /*training=*/false);
  });
  while (work.Next()) co_await kHandOver;
  sweep.finite = !sweep.outputs.defined() || !FindNonFinite(sweep.outputs).any();
}

// predictionStart(network, dataset, options, onProgress?): {logits, finite}, the logits of every sample,
// [N, classes], and whether all of them are numbers.
Napi::Value Predict(const Napi::CallbackInfo& info) {
  const auto options = kPredictionFields.Read(info[2], "options");
  const auto sweep = NewSweep(info, options, "predict()", Access::kRead);
  const auto job = NewJob(info, *sweep, "predict()", Access::kRead);
  job->slices = [sweep](Job& running) { return PredictAll(*sweep, running); };
  job->finish = [sweep](Napi::Env env) -> Napi::Value {
    auto result = Napi::Object::New(env);
    result.Set("logits", Wrap(env, sweep->outputs));
    result.Set("finite", sweep->finite);
    return result;
  };
  return Environment::Of(info.Env()).compute.Start(info.Env(), job);
}

// The position of the last layer of the frozen prefix.
int PrefixOf(const Sweep& sweep) {
  if (!sweep.dataset->labels().defined()) {
    throw Error("ERR_ARGUMENT",
                "a cache of the frozen prefix needs a dataset that nothing maps: leave cachePrefix out");
  }
  const int cut = sweep.network->FrozenPrefix();
  if (cut < 0) {
    throw Error("ERR_ARGUMENT",
                "no layers in front are frozen and deterministic: freeze some, or train without a cache");
  }
  return cut;
}

// prefixStart(network, dataset, options, onProgress?): a dataset of what the frozen prefix puts out.
Napi::Value Prefix(const Napi::CallbackInfo& info) {
  const auto options = kPrefixFields.Read(info[2], "options");
  const auto sweep = NewSweep(info, options, "train()", Access::kRead);
  sweep->augmentation = options.augment;
  sweep->seed = options.seed;
  sweep->variants = options.variants;
  sweep->folder = options.folder;
  if (std::int64_t rows = 0; __builtin_mul_overflow(sweep->dataset->size(), sweep->variants, &rows))
    throw Error("ERR_MEMORY", "variants asks for more samples than memory can hold: lower it");
  sweep->dataset->CheckAugmentation(sweep->augmentation);
  const int cut = PrefixOf(*sweep);
  const auto job = NewJob(info, *sweep, "train()", Access::kRead);
  job->slices = [sweep, cut](Job& running) {
    return sweep->Run(running, [&network = *sweep->network, cut](const at::Tensor& images) {
      return network.Run(-1, images, cut, /*training=*/false);
    });
  };
  job->finish = [sweep](Napi::Env env) -> Napi::Value {
    return DatasetHandle::Wrap(
        env, std::make_shared<MemoryDataset>(sweep->outputs, Targets(sweep->dataset->labels()),
                                             std::vector<double>{}, std::vector<double>{}, sweep->variants,
                                             sweep->absent, !sweep->folder.empty()));
  };
  return Environment::Of(info.Env()).compute.Start(info.Env(), job);
}

// statisticsStart(network, dataset, options, onProgress?): batch normalization's running statistics become
// the means over the batches of the dataset, in its order, of those of each (as
// torch.optim.swa_utils.update_bn has it). Frozen layers keep theirs.
Napi::Value Statistics(const Napi::CallbackInfo& info) {
  const auto options = kStatisticsFields.Read(info[2], "options");
  const auto sweep = NewSweep(info, options, "train()", Access::kWrite);
  sweep->drop_last = options.drop_last;
  const auto job = NewJob(info, *sweep, "train()", Access::kWrite);
  job->slices = [sweep](Job& running) { return RestateStatistics(*sweep, running); };
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
