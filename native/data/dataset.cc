#include "dataset.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "../base/fields.h"
#include "../tensor/tensor.h"
#include "memory_dataset.h"

namespace torch_prune {

void Dataset::NeedIndex(const char* what) const {
  if (Indexed()) return;
  throw Error("ERR_ARGUMENT",
              std::string(what) +
                  " needs samples that can be asked for by index, and batches of your own come in "
                  "their order: use Dataset.from() with tensors");
}

std::shared_ptr<Dataset> Dataset::Slice(std::int64_t begin, std::int64_t end) const {
  NeedIndex("a slice");
  if (begin < 0 || end > size() || begin >= end) {
    throw Error("ERR_ARGUMENT", "samples " + std::to_string(begin) + ".." + std::to_string(end) +
                                    " of a dataset of " + std::to_string(size()));
  }
  return Cut(begin, end);
}

void Dataset::RefuseEmpty() const {
  if (!Indexed()) {
    throw Error(
        "ERR_ARGUMENT",
        "a pass over the batches gave none: give fromBatches() a function that makes them anew each time");
  }
  const auto skipped = SkippedSamples();
  throw Error("ERR_FILE", std::string("none of the samples can be read") +
                              (skipped.empty() ? "" : ", the first: " + skipped[0].reason));
}

void Dataset::CheckIndices(const std::vector<std::int64_t>& indices) const {
  for (const auto index : indices) {
    if (index < 0 || index >= size()) {
      throw Error("ERR_ARGUMENT",
                  "sample " + std::to_string(index) + " of a dataset of " + std::to_string(size()));
    }
  }
}

at::Tensor Dataset::BatchMemory(at::IntArrayRef shape, at::ScalarType dtype, const at::Device& device) {
  if (!device.is_cpu()) at::globalContext().lazyInitDevice(device.type());
  return at::empty(shape, at::TensorOptions(dtype).pinned_memory(!device.is_cpu()));
}

at::Tensor Dataset::Upload(const at::Tensor& values, const at::Device& device) {
  // PyTorch's allocator of pinned memory only reuses a released block after the GPU has copied it.
  return values.to(device, /*non_blocking=*/true);
}

Dataset::Batch Dataset::BatchOn(const at::Device& device, const at::Tensor& images,
                                std::vector<std::int64_t> indices) const {
  const at::Tensor labels = targets_.Gather(indices, [&device](at::IntArrayRef shape, at::ScalarType dtype) {
    return BatchMemory(shape, dtype, device);
  });
  return {Upload(images, device), Upload(labels, device), std::move(indices)};
}

std::vector<std::int64_t> InOrder(std::int64_t count) {
  std::vector<std::int64_t> indices(static_cast<std::size_t>(count));
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

namespace {

Napi::Value MakeDataset(const Napi::CallbackInfo& info) {
  return DatasetHandle::Wrap(
      info.Env(), std::make_shared<MemoryDataset>(
                      Unwrap(info[0], "images"), Targets(Unwrap(info[1], "labels").clone()),
                      ToNumbers(info[2], "mean"), ToNumbers(info[3], "std"), 1, std::vector<std::int64_t>{},
                      false, FieldType<Residency>::Read(info[4], "residency")));
}

Napi::Value Dispose(const Napi::CallbackInfo& info) {
  DatasetHandle::Dispose(info[0]);
  return info.Env().Undefined();
}

Napi::Value Slice(const Napi::CallbackInfo& info) {
  return DatasetHandle::Wrap(
      info.Env(),
      DatasetHandle::Get(info[0], "dataset")->Slice(ToInteger(info[1], "begin"), ToInteger(info[2], "end")));
}

// datasetTargets(dataset): {dtype, shape} of one sample's target, as in batches.
Napi::Value TargetsOf(const Napi::CallbackInfo& info) {
  const auto& targets = DatasetHandle::Get(info[0], "dataset")->targets();
  auto shape = Napi::Array::New(info.Env(), targets.shape().size());
  for (std::uint32_t i = 0; i < targets.shape().size(); ++i)
    shape.Set(i, static_cast<double>(targets.shape()[i]));
  auto result = Napi::Object::New(info.Env());
  result.Set("dtype", DTypeName(targets.dtype()));
  result.Set("shape", shape);
  return result;
}

// datasetCheckAugmentation(dataset, augment): throws if its samples cannot be augmented like this.
Napi::Value CheckAugmentation(const Napi::CallbackInfo& info) {
  DatasetHandle::Get(info[0], "dataset")->CheckAugmentation(Augmentation::Of(info[1]));
  return info.Env().Undefined();
}

// datasetBatch(dataset, indices, device): [images, labels]
Napi::Value Batch(const Napi::CallbackInfo& info) {
  const auto batch = DatasetHandle::Get(info[0], "dataset")
                         ->Gather(ToIntegers(info[1], "indices"), ToDevice(info[2], "device"));
  auto pair = Napi::Array::New(info.Env(), 2);
  pair.Set(0U, Wrap(info.Env(), batch.images));
  pair.Set(1U, Wrap(info.Env(), batch.labels));
  return pair;
}

Slices ReadPlan(const Dataset& dataset, const Dataset::Plan& plan, Dataset::Batch& read, Job& job) {
  const auto pass = dataset.Read(plan);
  std::vector<at::Tensor> images, labels;
  for (std::int64_t step = 0; step < plan.steps() && !job.Cancelled(); ++step) {
    while (!pass->Ready(job) && !job.Cancelled()) co_await kHandOver;
    const auto batch = pass->Next(job);
    if (batch.size() == 0) continue;
    images.push_back(batch.images);
    labels.push_back(batch.labels);
    read.indices.insert(read.indices.end(), batch.indices.begin(), batch.indices.end());
  }
  if (images.empty() && !job.Cancelled()) dataset.RefuseEmpty();
  if (images.empty()) co_return;
  read.images = images.size() == 1 ? images[0] : at::cat(images);
  read.labels = labels.size() == 1 ? labels[0] : at::cat(labels);
}

struct ReadOptions {
  Augmentation augmentation;
  std::uint64_t seed = 0;
  at::Device device = at::kCPU;
  bool on_tensors = false;
  std::int64_t batch_size = std::numeric_limits<std::int64_t>::max();
};
const auto kReadFields =
    Fields<ReadOptions>("read", Field("augment", &ReadOptions::augmentation).Optional(),
                        Field("seed", &ReadOptions::seed).Optional(), Field("device", &ReadOptions::device),
                        Field("onTensors", &ReadOptions::on_tensors).Optional(),
                        Field("batchSize", &ReadOptions::batch_size).AtLeast(1).Optional());

// datasetRead(dataset, indices, options): {images, labels, indices}, read like training reads them.
Napi::Value Read(const Napi::CallbackInfo& info) {
  const auto options = kReadFields.Read(info[2], "options");
  auto plan = std::make_shared<Dataset::Plan>();
  const auto dataset = DatasetHandle::Get(info[0], "dataset");
  dataset->NeedIndex("read()");
  plan->order = ToIntegers(info[1], "indices");
  plan->batch_size =
      std::clamp<std::int64_t>(static_cast<std::int64_t>(plan->order.size()), 1, options.batch_size);
  plan->device = options.device;
  plan->augmentation = options.augmentation;
  plan->seed = options.seed;
  plan->on_tensors = options.on_tensors;
  if (plan->order.empty()) throw Error("ERR_ARGUMENT", "indices must name one sample or more");
  dataset->CheckAugmentation(plan->augmentation);

  auto& environment = Environment::Of(info.Env());
  const auto job = environment.compute.NewJob(info.Env());
  auto batch = std::make_shared<Dataset::Batch>();
  job->claim = environment.ownership.Take({"read()", dataset->Memory(), {}});
  job->slices = [=](Job& running) { return ReadPlan(*dataset, *plan, *batch, running); };
  job->finish = [batch](Napi::Env env) -> Napi::Value {
    auto result = Napi::Object::New(env);
    auto indices = Napi::Array::New(env, batch->indices.size());
    for (std::uint32_t i = 0; i < batch->indices.size(); ++i)
      indices.Set(i, static_cast<double>(batch->indices[i]));
    result.Set("indices", indices);
    if (batch->size() > 0) {
      result.Set("images", Wrap(env, batch->images));
      result.Set("labels", Wrap(env, batch->labels));
    }
    return result;
  };
  return environment.compute.Start(info.Env(), job);
}

Slices ReadAll(const Dataset& dataset, Dataset::Plan plan, Job& job) {
  const auto total = static_cast<double>(plan.order.size());
  const auto pass = dataset.Read(plan);
  for (std::int64_t step = 0; step < plan.steps() && !job.Cancelled(); ++step) {
    while (!pass->Ready(job) && !job.Cancelled()) co_await kHandOver;
    pass->Next(job);
    const auto done = static_cast<double>(step + 1) * static_cast<double>(plan.batch_size);
    if (job.WantsReport()) job.Report({std::min(done, total), total});
    co_await kHandOver;
  }
}

struct CheckOptions {
  std::int64_t batch_size;
  Augmentation augmentation;
  std::uint64_t seed = 0;
};
const auto kCheckFields = Fields<CheckOptions>(
    "check", Field("batchSize", &CheckOptions::batch_size).AtLeast(1),
    Field("augment", &CheckOptions::augmentation).Optional(), Field("seed", &CheckOptions::seed).Optional());

// datasetCheck(dataset, options, onProgress?): reads all samples and keeps none.
Napi::Value Check(const Napi::CallbackInfo& info) {
  const auto options = kCheckFields.Read(info[1], "options");
  const auto dataset = DatasetHandle::Get(info[0], "dataset");
  dataset->NeedIndex("check()");
  Dataset::Plan plan{InOrder(dataset->size()), options.batch_size};
  plan.augmentation = options.augmentation;
  plan.seed = options.seed;
  dataset->CheckAugmentation(plan.augmentation);
  auto& environment = Environment::Of(info.Env());
  const auto job = environment.compute.NewJob(info.Env());
  if (info[2].IsFunction()) job->on_progress = Napi::Persistent(info[2].As<Napi::Function>());
  job->claim = environment.ownership.Take({"check()", dataset->Memory(), {}});
  job->slices = [=](Job& running) { return ReadAll(*dataset, plan, running); };
  job->finish = [](Napi::Env env) -> Napi::Value { return env.Undefined(); };
  return environment.compute.Start(info.Env(), job);
}

// datasetSkipped(dataset): [[index, reason]], the samples that could not be read so far.
Napi::Value Skipped(const Napi::CallbackInfo& info) {
  const auto skipped = DatasetHandle::Get(info[0], "dataset")->SkippedSamples();
  auto list = Napi::Array::New(info.Env(), skipped.size());
  for (std::uint32_t i = 0; i < skipped.size(); ++i) {
    auto pair = Napi::Array::New(info.Env(), 2);
    pair.Set(0U, static_cast<double>(skipped[i].index));
    pair.Set(1U, skipped[i].reason);
    list.Set(i, pair);
  }
  return list;
}

}  // namespace

void RegisterDataset(Napi::Env env, Napi::Object exports) {
  DatasetHandle::Register(env);
  Export<MakeDataset>(exports, "datasetMake");
  Export<Dispose>(exports, "datasetDispose");
  Export<Slice>(exports, "datasetSlice");
  Export<TargetsOf>(exports, "datasetTargets");
  Export<CheckAugmentation>(exports, "datasetCheckAugmentation");
  Export<Batch>(exports, "datasetBatch");
  Export<Read>(exports, "datasetRead");
  Export<Check>(exports, "datasetCheck");
  Export<Skipped>(exports, "datasetSkipped");
}

}  // namespace torch_prune
