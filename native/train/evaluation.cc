#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "../base/arguments.h"
#include "../data/file_tensor.h"
#include "../data/memory_dataset.h"
#include "../network/autocast.h"
#include "../network/claim.h"
#include "../network/jobs.h"
#include "../network/network.h"
#include "../tensor/non_finite.h"
#include "../tensor/tensor.h"
#include "loss.h"

namespace torch_prune {
namespace {

struct Evaluation {
  std::shared_ptr<Network> network;
  std::shared_ptr<Dataset> dataset;
  std::int64_t batch_size = 0;
  bool activations = false;
  bool autocast = false;
  std::shared_ptr<const Loss> loss;

  double loss_sum = 0, loss_count = 0, samples = 0;
  std::unique_ptr<Metrics> metrics;
  double input_density = 0;
  std::vector<double> densities;  // share of each layer's outputs that are not zero
  bool cancelled = false;

  Slices Run(Job& job);

 private:
  void Add(const Dataset::Batch& batch, const Network::Observer& observe);
};

double NonZero(const at::Tensor& values) {
  return static_cast<double>(values.count_nonzero().item<std::int64_t>());
}

void Evaluation::Add(const Dataset::Batch& batch, const Network::Observer& observe) {
  const at::NoGradGuard no_grad;
  const Autocast cast(network->device(), autocast);
  const at::Tensor outputs = network->Forward(batch.images, /*training=*/false, observe).to(at::kFloat);
  if (samples == 0) loss->Check(outputs.sizes(), dataset->targets(), "the dataset");
  if (batch.targets) loss->Check(outputs.sizes(), *batch.targets, "the dataset");
  const double count = loss->Count(batch.labels);
  bool finite = true;
  if (count > 0) {
    const auto mean = loss->Forward(outputs, batch.labels).item<double>();
    finite = std::isfinite(mean);
    loss_sum += mean * count;
    loss_count += count;
  }
  metrics->Add(outputs, batch.labels, finite);
  samples += static_cast<double>(batch.size());
  if (activations) input_density += NonZero(batch.images);
}

Slices Evaluation::Run(Job& job) {
  const auto total = dataset->Steps(batch_size);
  const auto pass =
      dataset->Read({InOrder(std::max<std::int64_t>(dataset->size(), 0)), batch_size, network->device()});
  densities.assign(network->layers().size(), 0);
  std::vector<double> elements(densities.size(), 0);
  double input_elements = 0;
  const Network::Observer observe = [&](int layer, const at::Tensor& output) {
    densities[layer] += NonZero(output);
    elements[layer] += static_cast<double>(output.numel());
  };
  for (std::int64_t step = 0; step != total && !(cancelled = job.Cancelled()); ++step) {
    while (!pass->Ready(job) && !job.Cancelled()) co_await kHandOver;
    {
      const auto batch = pass->Next(job);
      if (batch.size() == 0 && pass->Over()) break;
      if (batch.size() == 0) continue;
      Add(batch, activations ? observe : nullptr);
      if (activations) input_elements += static_cast<double>(batch.images.numel());
    }
    if (job.WantsReport()) {
      job.Report({static_cast<double>(step + 1), static_cast<double>(std::max<std::int64_t>(total, 0)),
                  loss_sum / std::max(loss_count, 1.0), samples, metrics->Correct()});
    }
    co_await kHandOver;
  }
  if (samples == 0 && !job.Cancelled()) dataset->RefuseEmpty();
  input_density /= std::max(input_elements, 1.0);
  for (std::size_t i = 0; i < densities.size(); ++i) densities[i] /= std::max(elements[i], 1.0);
}

// evaluationStart(network, dataset, {batchSize, loss?, activations?, autocast?}, onProgress?)
Napi::Value Start(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  const Options options(info[2], "options");
  auto evaluation = std::make_shared<Evaluation>();
  evaluation->network = ReadNetwork(info[0]);
  evaluation->dataset = DatasetHandle::Get(info[1], "dataset");
  evaluation->batch_size = options.Integer("batchSize");
  evaluation->activations = options.Boolean("activations", false);
  evaluation->autocast = Autocast::Wanted(options);
  evaluation->loss = Loss::Of(options.Get("loss"), evaluation->network->device());
  evaluation->metrics = evaluation->loss->NewMetrics();
  if (evaluation->batch_size < 1) throw Error("ERR_ARGUMENT", "batchSize must be 1 or more");

  const auto job = environment.compute.NewJob(info.Env());
  ClaimNetwork(environment, *job, *evaluation->network, Access::kRead,
               {"evaluate()", evaluation->dataset->Memory(), {}});
  if (info[3].IsFunction()) job->on_progress = Napi::Persistent(info[3].As<Napi::Function>());
  job->slices = [evaluation](Job& running) { return evaluation->Run(running); };
  job->finish = [evaluation](Napi::Env env) {
    auto result = Napi::Object::New(env);
    result.Set("samples", evaluation->samples);
    const double count = evaluation->loss_count;
    result.Set("loss", count > 0 ? evaluation->loss_sum / count : 0);
    auto metrics = Napi::Object::New(env);
    evaluation->metrics->Put(metrics);
    result.Set("metrics", metrics);
    result.Set("cancelled", evaluation->cancelled);
    result.Set("inputDensity", evaluation->input_density);
    auto densities = Napi::Object::New(env);
    const auto& layers = evaluation->network->layers();
    for (std::size_t i = 0; evaluation->activations && i < layers.size(); ++i)
      densities.Set(layers[i]->name, evaluation->densities[i]);
    result.Set("densities", densities);
    return Napi::Value(result);
  };
  return environment.compute.Start(info.Env(), job);
}

// What a network computes for every sample, in evaluation mode and in the dataset's order.
struct Sweep {
  std::shared_ptr<Network> network;
  std::shared_ptr<Dataset> dataset;
  std::int64_t batch_size;
  bool autocast = false;
  Augmentation augmentation;
  std::uint64_t seed = 0;
  std::int64_t variants = 1;  // passes, each with an augmentation of its own
  bool drop_last = false;     // leaves out a last batch that is not full
  std::string folder;         // keeps the outputs in a file there, where it is not empty
  at::Tensor outputs;         // float32 [variants * N, ...], on the CPU; 0 where a sample cannot be read
  std::vector<std::int64_t> absent;  // samples that cannot be read, sorted
  bool finite = true;                // whether all predicted outputs are numbers

  using Compute = std::function<at::Tensor(const at::Tensor& images)>;
  Slices Run(Job& job, Compute compute) {
    const auto count = dataset->size();
    const auto total = static_cast<double>(count * variants);
    for (std::int64_t variant = 0; variant < variants; ++variant) {
      const Dataset::Plan plan{InOrder(count), batch_size, network->device(), augmentation,
                               seed + static_cast<std::uint64_t>(variant)};
      const auto pass = dataset->Read(plan);
      const std::int64_t end = drop_last ? count - count % batch_size : count;
      for (std::int64_t begin = 0; begin < end && !job.Cancelled(); begin += batch_size) {
        const auto size = std::min(batch_size, count - begin);
        while (!pass->Ready(job) && !job.Cancelled()) co_await kHandOver;
        {
          const at::NoGradGuard no_grad;
          const Autocast cast(network->device(), autocast);
          const auto batch = pass->Next(job);
          if (variant == 0) NoteAbsent(begin, size, batch.indices);
          if (batch.size() == 0) continue;
          const auto part = compute(batch.images);
          if (!outputs.defined()) {
            auto shape = part.sizes().vec();
            shape[0] = count * variants;
            outputs = Room(shape);
          }
          Keep(variant * count, begin, size, batch.indices, part);
        }
        if (job.WantsReport()) job.Report({static_cast<double>(variant * count + begin + size), total});
        co_await kHandOver;
      }
    }
    if (!outputs.defined() && !job.Cancelled()) dataset->RefuseEmpty();
  }

 private:
  at::Tensor Room(at::IntArrayRef shape) const {
    if (!folder.empty()) return FileTensor(folder, shape);
    return absent.empty() && dataset->Whole() ? at::empty(shape, at::kFloat) : at::zeros(shape, at::kFloat);
  }
  void NoteAbsent(std::int64_t begin, std::int64_t size, const std::vector<std::int64_t>& present) {
    for (std::int64_t i = begin; i < begin + size; ++i)
      if (!std::binary_search(present.begin(), present.end(), i)) absent.push_back(i);
  }
  void Keep(std::int64_t row, std::int64_t begin, std::int64_t size, const std::vector<std::int64_t>& present,
            const at::Tensor& part) {
    if (static_cast<std::int64_t>(present.size()) == size) {
      outputs.slice(0, row + begin, row + begin + size).copy_(part);
      return;
    }
    for (std::size_t i = 0; i < present.size(); ++i)
      outputs.select(0, row + present[i]).copy_(part.select(0, static_cast<std::int64_t>(i)));
  }
};

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

// The layers that train with running statistics; their momentum comes back when this goes.
class Momentums {
 public:
  explicit Momentums(const Network& network) {
    for (const auto& layer : network.layers()) {
      const auto momentum = layer->StatisticsMomentum();
      if (momentum && layer->trainable) layers_.emplace_back(layer, *momentum);
    }
  }
  ~Momentums() {
    for (auto& [layer, momentum] : layers_) layer->SetStatisticsMomentum(momentum);
  }
  Momentums(const Momentums&) = delete;
  Momentums& operator=(const Momentums&) = delete;

  bool empty() const { return layers_.empty(); }
  void Set(double momentum) {
    for (auto& [layer, before] : layers_) layer->SetStatisticsMomentum(momentum);
  }
  void Restart() {
    for (auto& [layer, before] : layers_) layer->RestartStatistics();
  }

 private:
  std::vector<std::pair<std::shared_ptr<Layer>, double>> layers_;
};

Slices Restate(Sweep& sweep, Job& job) {
  Momentums momentums(*sweep.network);
  if (momentums.empty()) co_return;
  momentums.Restart();
  double batches = 0;
  auto work = sweep.Run(job, [&](const at::Tensor& images) {
    // The first batch has the weight 1, so what was there before does not count.
    momentums.Set(1 / ++batches);
    return sweep.network->Forward(images, /*training=*/true);
  });
  while (work.Next()) co_await kHandOver;
}

// statisticsStart(network, dataset, {batchSize, dropLast?, autocast?}, onProgress?): batch normalisation's
// running statistics become the means over the batches of the dataset, in its order, of those of each (as
// torch.optim.swa_utils.update_bn has it). Frozen layers keep theirs.
Napi::Value Statistics(const Napi::CallbackInfo& info) {
  const auto [job, sweep] = NewSweep(info, "train()", Access::kWrite);
  sweep->drop_last = Options(info[2], "options").Boolean("dropLast", false);
  job->slices = [sweep = sweep](Job& running) { return Restate(*sweep, running); };
  job->finish = [](Napi::Env env) { return env.Undefined(); };
  return Environment::Of(info.Env()).compute.Start(info.Env(), job);
}

}  // namespace

void RegisterEvaluation(Napi::Object exports) {
  Export<Start>(exports, "evaluationStart");
  Export<Predict>(exports, "predictionStart");
  Export<Prefix>(exports, "prefixStart");
  Export<Statistics>(exports, "statisticsStart");
}

}  // namespace torch_prune
