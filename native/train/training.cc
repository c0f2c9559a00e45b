#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "../base/arguments.h"
#include "../data/dataset.h"
#include "../network/autocast.h"
#include "../network/claim.h"
#include "../network/jobs.h"
#include "../network/network.h"
#include "../optim/clip.h"
#include "../optim/optimizer.h"
#include "../parameter/parametrisation.h"
#include "../prune/splicing.h"
#include "../tensor/autograd.h"
#include "../tensor/non_finite.h"
#include "../tensor/tensor.h"
#include "loss.h"
#include "tally.h"

namespace torch_prune {
namespace {

using Clock = std::chrono::steady_clock;

struct Training {
  std::shared_ptr<Network> network;
  std::shared_ptr<OptimizerState> optimizer;
  std::shared_ptr<Dataset> dataset;
  std::vector<std::int64_t> order;  // of samples; empty: shuffled by `seed`
  std::uint64_t seed = 0;           // of the order and of the augmentation
  Augmentation augmentation;
  std::vector<std::int64_t> size;  // images are made so high and wide; empty: they are as they come
  std::int64_t batch_size = 1;
  bool drop_last = false;     // leaves out a last batch that is not full
  std::vector<double> rates;  // one a step, or one for all
  bool keep_losses = false;
  bool autocast = false;
  int after = -1;  // the dataset holds what this layer puts out (prefixStart)
  std::shared_ptr<const Loss> loss;
  std::int64_t accumulate = 1;  // batches whose gradients make one step of the optimiser
  GradientClip clip;
  // Distillation (Hinton, Vinyals and Dean 2015): what a teacher says of every sample of the dataset.
  at::Tensor teacher;  // float32 [N, ...], outputs; undefined without
  double teacher_weight = 0, temperature = 1;
  std::unique_ptr<Splicing> splicing;  // null without
  std::vector<std::int64_t> splice_steps;
  std::vector<std::int64_t> splice_keep;  // for each of these steps, a count a group

  // Averages of parameters: after each step, `average` moves by the step's weight towards its parameter.
  struct Averaged {
    at::Tensor average, parameter;
  };
  std::vector<Averaged> averaged;
  std::vector<double> average_weights;  // one a step; 0 leaves the averages as they are

  // Stops behind the step in which so many seconds are over, for its caller to save and go on; never where
  // negative.
  double pause_after = -1;

  // Where it stands, at the beginning as well: steps that are done, and what came of them.
  std::int64_t steps = 0;
  Tally tally;
  std::vector<float> losses;
  bool cancelled = false;

  // Why it stopped where numbers ran out: the first thing that is NaN or infinite, on the way of a batch from
  // its samples to its loss.
  struct Broken {
    const char* what;       // "sample", "target", "teacher", "tensor", "layer" or "loss"
    std::string name = {};  // of the tensor or layer
    std::int64_t sample = -1;
    NonFinite found = {};
    std::int64_t count = 0;  // values of the tensor
  };
  std::optional<Broken> broken;
  double first_loss = NAN, last_loss = NAN;  // of its first step, and of the last one whose loss is a number
  double worst_loss = 0,
         largest_sample = 0;  // the largest loss past all reason, and the magnitude of its samples

  // Of an epoch; -1 where that is not known.
  std::int64_t Steps() const;
  // Whether the epoch is.
  bool Over() const { return steps == total_; }
  Slices Run(Job& job);

 private:
  void Step(const Dataset::Batch& batch);
  void AddGradients(const Dataset::Batch& batch);
  void UpdateWeights();
  void End();
  void UpdateAverages() const;
  void CheckTrainable(const at::Tensor& outputs) const;
  bool NoteLoss(const at::Tensor& step_loss, const at::Tensor& images);
  Broken FindCause(const Dataset::Batch& batch) const;
  std::optional<Broken> BrokenTensor() const;
  void Splice();
  at::Tensor Resized(const at::Tensor& images) const;
  at::Tensor Outputs(const at::Tensor& images) const;
  at::Tensor Lesson(const at::Tensor& outputs, const Dataset::Batch& batch) const;

  bool checked_ = false;  // its output, in the first step
  std::int64_t total_ = 0;
  // Of the step that gradients are gathered for: its first batch, how much that one counts, and all of them.
  std::int64_t first_ = 0;
  double unit_ = 0, gathered_ = 0;
};

void Training::CheckTrainable(const at::Tensor& outputs) const {
  loss->Check(outputs.sizes(), dataset->targets(), "the dataset");
  if (teacher.defined() && teacher.sizes().slice(1) != outputs.sizes().slice(1)) {
    throw Error("ERR_SHAPE", "a teacher's outputs must have the shape of the network's, " +
                                 c10::str(outputs.sizes().slice(1)) + ", got " +
                                 c10::str(teacher.sizes().slice(1)));
  }
  if (!outputs.requires_grad())
    throw Error("ERR_ARGUMENT", "there is nothing to train: every layer is frozen, or has no parameters");
}

std::int64_t Training::Steps() const {
  if (order.empty()) return dataset->Steps(batch_size, drop_last);
  const auto samples = static_cast<std::int64_t>(order.size());
  return drop_last ? samples / batch_size : Batches(samples, batch_size);
}

// Whether the loss of a step is a number. A GPU is not waited for: there the sum of all losses shows it
// later.
bool Training::NoteLoss(const at::Tensor& step_loss, const at::Tensor& images) {
  constexpr double kAbsurd = 1e4;  // a guess among a million classes costs 14
  if (!step_loss.is_cpu()) return true;
  const double loss = step_loss.item<double>();
  if (!(loss <= std::max(worst_loss, kAbsurd))) {
    worst_loss = loss;
    largest_sample = images.abs().max().item<double>();
  }
  if (!std::isfinite(loss)) return false;
  if (std::isnan(first_loss)) first_loss = loss;
  last_loss = loss;
  return true;
}

std::optional<Training::Broken> Training::BrokenTensor() const {
  for (const auto& [name, tensor, layer, parameter] : network->tensors()) {
    if (const auto found = FindNonFinite(tensor); found.any())
      return Broken{"tensor", name, -1, found, tensor.numel()};
  }
  return {};
}

Training::Broken Training::FindCause(const Dataset::Batch& batch) const {
  const at::NoGradGuard no_grad;
  const auto sample_of = [&](std::int64_t position, const at::Tensor& values) {
    return batch.indices[static_cast<std::size_t>(position / (values.numel() / batch.size()))];
  };
  if (const auto found = FindNonFinite(batch.images); found.any())
    return {"sample", "", sample_of(found.first, batch.images), found};
  if (FindNonFinite(batch.labels).any()) {
    const auto found = FindNonFinite(batch.labels);
    return {"target", "", sample_of(found.first, batch.labels), found};
  }
  if (teacher.defined()) {
    for (const auto sample : batch.indices) {
      if (const auto found = FindNonFinite(teacher.select(0, sample)); found.any())
        return {"teacher", "", sample, found};
    }
  }
  Broken broken{"loss"};
  if (const auto tensor = BrokenTensor()) {
    broken = *tensor;
  } else {
    const Autocast cast(network->device(), autocast);
    network->Run(after, Resized(batch.images), static_cast<int>(network->layers().size()) - 1,
                 /*training=*/false, [&](int layer, const at::Tensor& output) {
                   const auto found = broken.found.any() ? NonFinite{} : FindNonFinite(output);
                   if (found.any())
                     broken = {"layer", network->layers()[layer]->name, -1, found, output.numel()};
                 });
  }
  return broken;
}

void Training::UpdateAverages() const {
  if (averaged.empty() || average_weights[steps] == 0) return;
  const at::NoGradGuard no_grad;
  for (const auto& [average, parameter] : averaged) average.lerp_(parameter, average_weights[steps]);
}

// As torch.nn.functional.interpolate(mode="bilinear", antialias=True).
at::Tensor Training::Resized(const at::Tensor& images) const {
  return size.empty() ? images : at::_upsample_bilinear2d_aa(images, size, /*align_corners=*/false);
}

// In float32, as is the loss of them.
at::Tensor Training::Outputs(const at::Tensor& images) const {
  const Autocast cast(network->device(), autocast);
  const int last = static_cast<int>(network->layers().size()) - 1;
  return network->Run(after, images, last, /*training=*/true, nullptr, /*steps=*/true).to(at::kFloat);
}

// What a batch is to be learned from: its targets, and its teacher.
at::Tensor Training::Lesson(const at::Tensor& outputs, const Dataset::Batch& batch) const {
  const at::Tensor hard = loss->Forward(outputs, batch.labels);
  if (!teacher.defined()) return hard;
  const at::Tensor samples =
      at::from_blob(const_cast<std::int64_t*>(batch.indices.data()), {batch.size()}, at::kLong);
  const at::Tensor taught = teacher.index_select(0, samples).to(outputs.device());
  return hard * (1 - teacher_weight) + loss->Distance(outputs, taught, temperature, teacher_weight);
}

// Gradients belong to the job alone: it lets go of them however it ends.
class JobGradients {
 public:
  explicit JobGradients(OptimizerState& optimizer) : optimizer_(optimizer) {}
  ~JobGradients() { optimizer_.ZeroGrad(); }
  JobGradients(const JobGradients&) = delete;
  JobGradients& operator=(const JobGradients&) = delete;

 private:
  OptimizerState& optimizer_;
};

// Before the forward pass of a step: what the mask keeps is then what the step computes with.
void Training::Splice() {
  if (!splicing) return;
  const auto due = std::find_if(splice_steps.begin(), splice_steps.end(), [this](std::int64_t step) {
    return step >= steps && step < steps + accumulate;
  });
  if (due == splice_steps.end()) return;
  splicing->Refresh(splice_keep.data() + (due - splice_steps.begin()) * splicing->groups());
}

void Training::Step(const Dataset::Batch& batch) {
  // An optimiser that settles gradients in its step saves a pass over each of them.
  std::optional<DeferSettling> defer;
  if (optimizer->SettlesInStep() && !clip.Any()) defer.emplace();
  if (steps % accumulate == 0) {
    optimizer->ZeroGrad();
    Splice();
    first_ = steps;
    gathered_ = 0;
  }
  if (batch.size() > 0) AddGradients(batch);  // of another, nothing can be read
  const bool last = (steps + 1) % accumulate == 0 || steps + 1 == total_;
  if (!broken && last && gathered_ > 0) UpdateWeights();
}

void Training::AddGradients(const Dataset::Batch& batch) {
  const at::Tensor outputs = Outputs(Resized(batch.images));
  if (!std::exchange(checked_, true)) CheckTrainable(outputs);
  if (batch.targets) loss->Check(outputs.sizes(), *batch.targets, "batch " + std::to_string(steps + 1));
  const double count = loss->Count(batch.labels);
  if (!(count > 0)) return;  // no class of it counts
  const at::Tensor step_loss = Lesson(outputs, batch);
  if (!NoteLoss(step_loss, batch.images)) {
    broken = FindCause(batch);
    return;
  }
  // Batches of one size are summed as they are.
  if (gathered_ == 0) unit_ = count;
  Backward(count == unit_ ? step_loss : step_loss * (count / unit_), {}, /*retain_graph=*/false,
           /*create_graph=*/false);
  gathered_ += count;
  tally.Add(*loss, step_loss, count, outputs, batch.labels);
  if (keep_losses) losses.push_back(step_loss.item<float>());
}

void Training::UpdateWeights() {
  if (gathered_ != unit_) optimizer->ScaleGradients(unit_ / gathered_);
  if (clip.Any()) ClipGradients(*optimizer, clip);
  optimizer->Step(rates.size() == 1 ? rates[0] : rates[first_]);
  UpdateAverages();
}

// An epoch has come to its end where nobody knew, or sooner than was said.
void Training::End() {
  if (total_ >= 0) {
    throw Error("ERR_ARGUMENT", "the batches ended after " + std::to_string(steps) + " of " +
                                    std::to_string(total_) + ": give `batches` as many as there are");
  }
  total_ = steps;
  if (steps % accumulate != 0 && gathered_ > 0) UpdateWeights();
}

Slices Training::Run(Job& job) {
  if (order.empty() && dataset->Indexed()) {
    auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
    const at::Tensor shuffled = at::randperm(dataset->size(), generator, at::kLong);
    order.assign(shuffled.const_data_ptr<std::int64_t>(),
                 shuffled.const_data_ptr<std::int64_t>() + shuffled.numel());
  }
  const auto count = static_cast<std::int64_t>(order.size());
  total_ = Steps();
  const at::Device device = network->device();
  if (drop_last && dataset->Indexed()) order.resize(static_cast<std::size_t>(total_ * batch_size));
  // What samples are and how they are changed follows from the order and the seed alone.
  order.erase(order.begin(), order.begin() + std::min(steps * batch_size, count));
  const auto pass = dataset->Read({std::move(order), batch_size, device, augmentation, seed, steps});
  const auto pause = Clock::now() + std::chrono::duration<double>(pause_after);
  const auto paused = [&] { return pause_after >= 0 && Clock::now() >= pause; };
  const JobGradients gradients(*optimizer);

  // Between two steps of the optimiser there are no gradients to keep.
  const auto between = [&] { return steps % accumulate == 0; };
  while (steps != total_ && !(between() && (cancelled = job.Cancelled()))) {
    while (!pass->Ready(job) && !job.Cancelled()) co_await kHandOver;
    {
      const auto batch = pass->Next(job);
      // A batch that the job did not wait for is no step.
      if (batch.size() == 0 && (cancelled = job.Cancelled())) break;
      if (batch.size() == 0 && pass->Over()) {
        End();
        break;
      }
      Step(batch);
    }
    if (broken) break;
    ++steps;
    if (job.WantsReport()) {
      job.Report({static_cast<double>(steps), static_cast<double>(std::max<std::int64_t>(total_, 0)),
                  tally.Loss(), tally.samples(), tally.Correct()});
    }
    if (between() && paused()) break;
    co_await kHandOver;
  }
  if (steps == total_ && tally.samples() == 0) dataset->RefuseEmpty();
  // The last steps, whose weights no loss has seen; and a GPU's.
  if (!broken && steps == total_) broken = BrokenTensor();
  if (!broken && !std::isfinite(tally.Loss())) broken = Broken{"loss"};
}

// trainingStart(network, optimizer, dataset, {order?, seed?, batchSize, dropLast?, rates, keepLosses?,
// autocast?, augment?, size?, after?, loss?, accumulate?, clipNorm?, clipValue?, teacher?, teacherWeight?,
// temperature?, averages?, averageWeights?, splicing?, from?, pauseAfter?}, onProgress?); averages are
// tensors by parameter's name; splicing is Splicing's options and {steps, keep}: before which steps masks
// change, and how many weights each group keeps; from is {steps, samples, lossSum, lossCount, judged,
// correct} of a job over the same that stopped.
Napi::Value Start(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  const Options options(info[3], "options");
  auto training = std::make_shared<Training>();
  training->network = UseNetwork(info[0]);
  training->optimizer = OptimizerHandle::Get(info[1], "optimizer");
  training->dataset = DatasetHandle::Get(info[2], "dataset");
  if (options.Has("order")) training->order = ToIntegers(options.Get("order"), "order");
  training->seed = static_cast<std::uint64_t>(options.Integer("seed", 0));
  training->augmentation = Augmentation::Of(options.Get("augment"));
  training->dataset->CheckAugmentation(training->augmentation);
  if (options.Has("size")) {
    training->size = ToIntegers(options.Get("size"), "size");
    if (training->size.size() != 2 || training->size[0] < 1 || training->size[1] < 1)
      throw Error("ERR_ARGUMENT", "size must be a height and a width of 1 or more");
    if (training->dataset->sample().size() != 3)
      throw Error("ERR_SHAPE", "size is for images [channels, height, width]");
  }
  training->batch_size = options.Integer("batchSize");
  training->drop_last = options.Boolean("dropLast", false);
  training->rates = ToNumbers(options.Get("rates"), "rates");
  training->keep_losses = options.Boolean("keepLosses", false);
  training->autocast = Autocast::Wanted(options);
  training->after = static_cast<int>(options.Integer("after", -1));
  if (training->after != -1 && training->after != training->network->FrozenPrefix()) {
    throw Error("ERR_ARGUMENT", "the layers in front of the cache are not frozen any more: fill it again");
  }
  training->loss = Loss::Of(options.Get("loss"), training->network->device());
  training->accumulate = options.Integer("accumulate", 1);
  if (training->accumulate < 1) throw Error("ERR_ARGUMENT", "accumulate must be 1 or more");
  training->clip = GradientClip::Of(options);
  if (options.Has("teacher")) {
    training->teacher = Unwrap(options.Get("teacher"), "teacher").detach();
    training->teacher_weight = options.Number("teacherWeight");
    training->temperature = options.Number("temperature");
    training->dataset->NeedIndex("distillation");
    if (training->teacher.dim() < 2 || training->teacher.size(0) != training->dataset->size()) {
      throw Error("ERR_SHAPE", "a teacher's outputs must be [samples of the dataset, ...], got " +
                                   c10::str(training->teacher.sizes()));
    }
  }
  if (options.Has("splicing")) {
    const auto splicing = kSplicingFields.Read(Given::Inside(options.Get("splicing"), "splicing"));
    training->splicing = std::make_unique<Splicing>(*training->network, splicing);
    training->splice_steps = splicing.steps;
    training->splice_keep = splicing.keep;
    if (training->splice_keep.size() != training->splice_steps.size() * training->splicing->groups())
      throw Error("ERR_ARGUMENT", "splicing.keep must hold one number a group for each of its steps");
  }
  if (training->batch_size < 1) throw Error("ERR_ARGUMENT", "batchSize must be 1 or more");
  const auto steps = training->Steps();
  if (steps < 0 && (training->rates.size() != 1 || options.Has("averages") || options.Has("splicing"))) {
    throw Error("ERR_ARGUMENT",
                "schedules, averaging and splicing need to know the steps of an epoch: give `batches`");
  }
  if (steps == 0) throw Error("ERR_ARGUMENT", "dropLast leaves no batch: lower batchSize, or leave it out");
  if (training->rates.size() != 1 && static_cast<std::int64_t>(training->rates.size()) < steps) {
    throw Error("ERR_ARGUMENT", "rates must hold one learning rate, or one for each of the " +
                                    std::to_string(steps) + " steps");
  }

  if (options.Has("averages")) {
    training->average_weights = ToNumbers(options.Get("averageWeights"), "averageWeights");
    if (static_cast<std::int64_t>(training->average_weights.size()) < steps) {
      throw Error("ERR_ARGUMENT",
                  "averageWeights must hold a number for each of the " + std::to_string(steps) + " steps");
    }
    const auto averages = ToObject(options.Get("averages"), "averages");
    for (const auto& name : ToStrings(averages.GetPropertyNames(), "averages")) {
      const at::Tensor& parameter = training->network->Find(name).tensor;
      const at::Tensor& average = Unwrap(averages.Get(name), "average");
      if (average.sizes() != parameter.sizes())
        throw Error("ERR_SHAPE", "the average of '" + name + "' must have its shape");
      training->averaged.push_back({average, parameter});
    }
  }

  training->pause_after = options.Number("pauseAfter", -1);
  if (options.Has("from")) {
    const Options from(options.Get("from"), "from");
    training->steps = from.Integer("steps");
    if (training->steps < 0 || (steps >= 0 && training->steps > steps))
      throw Error("ERR_ARGUMENT", "from.steps must be 0 to " + std::to_string(steps));
    training->tally = Tally(from.Number("samples"), from.Number("lossSum"), from.Number("lossCount"),
                            from.Number("judged"), from.Number("correct"));
  }

  const auto job = environment.compute.NewJob(info.Env());
  Use use{"train()", training->dataset->Memory(), {}};
  use.reads.push_back(training->teacher);
  for (const auto& each : training->averaged) use.writes.push_back(each.average);
  for (const auto& p : training->optimizer->parameters()) {
    use.writes.push_back(p.tensor);
    use.writes.insert(use.writes.end(), p.moments.begin(), p.moments.end());
  }
  ClaimNetwork(environment, *job, *training->network, Access::kWrite, std::move(use));
  if (info[4].IsFunction()) job->on_progress = Napi::Persistent(info[4].As<Napi::Function>());
  job->slices = [training](Job& running) { return training->Run(running); };
  job->finish = [training](Napi::Env env) {
    auto result = Napi::Object::New(env);
    result.Set("steps", static_cast<double>(training->steps));
    result.Set("samples", training->tally.samples());
    result.Set("loss", training->tally.Loss());
    result.Set("lossSum", training->tally.LossSum());
    result.Set("lossCount", training->tally.LossCount());
    result.Set("judged", training->tally.Judged());
    result.Set("correct", training->tally.Correct());
    result.Set("over", training->Over());
    result.Set("cancelled", training->cancelled);
    auto losses = Napi::Float32Array::New(env, training->losses.size());
    std::copy(training->losses.begin(), training->losses.end(), losses.Data());
    result.Set("losses", losses);
    result.Set("firstLoss", training->first_loss);
    result.Set("lastLoss", training->last_loss);
    result.Set("largestSample", training->largest_sample);
    if (const auto& broken = training->broken) {
      auto cause = broken->found.ToObject(env);
      cause.Set("what", broken->what);
      cause.Set("name", broken->name);
      cause.Set("sample", static_cast<double>(broken->sample));
      cause.Set("count", static_cast<double>(broken->count));
      result.Set("broken", cause);
    }
    if (training->splicing) result.Set("splicing", training->splicing->Counts(env));
    return Napi::Value(result);
  };
  return environment.compute.Start(info.Env(), job);
}

}  // namespace

void RegisterTraining(Napi::Object exports) {
  Export<Start>(exports, "trainingStart");
}

}  // namespace torch_prune
