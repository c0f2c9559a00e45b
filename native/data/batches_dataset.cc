#include "batches_dataset.h"

#include <ATen/ATen.h>

#include <deque>
#include <string>
#include <utility>

#include "../base/fields.h"
#include "../tensor/snapshot.h"
#include "../tensor/tensor.h"
#include "memory_dataset.h"

namespace torch_prune {

BatchesDataset::BatchesDataset(std::shared_ptr<BatchMaker> maker, std::shared_ptr<const Dataset> of,
                               Targets targets, std::vector<std::int64_t> sample, Settings settings)
    : Dataset(std::move(targets), std::move(sample), of ? of->size() : -1),
      maker_(std::move(maker)),
      of_(std::move(of)),
      settings_(std::move(settings)) {}

std::int64_t BatchesDataset::Steps(std::int64_t batch_size, bool drop_last) const {
  return of_ ? of_->Steps(batch_size, drop_last) : settings_.batches;
}

std::vector<at::Tensor> BatchesDataset::Memory() const {
  return of_ ? of_->Memory() : std::vector<at::Tensor>{};
}

void BatchesDataset::CheckAugmentation(const Augmentation& augmentation) const {
  if (of_) return of_->CheckAugmentation(augmentation);
  if (!augmentation.Any()) return;
  throw Error("ERR_ARGUMENT",
              "augment is for datasets that are read by index: change your batches where you make them");
}

Dataset::Batch BatchesDataset::Gather(const std::vector<std::int64_t>&, const at::Device&) const {
  throw Error("ERR_ARGUMENT",
              "these batches are made by a function of yours: use read() in place of batch()");
}

std::vector<Dataset::Skipped> BatchesDataset::SkippedSamples() const {
  return of_ ? of_->SkippedSamples() : std::vector<Skipped>{};
}

std::shared_ptr<Dataset> BatchesDataset::Cut(std::int64_t begin, std::int64_t end) const {
  return std::make_shared<BatchesDataset>(maker_, of_->Slice(begin, end), targets(), sample(), settings_);
}

void BatchesDataset::CheckMade(const BatchQueue::Made& made, std::int64_t number) const {
  const auto refuse = [number](const char* code, const std::string& what) {
    throw Error(code, "batch " + std::to_string(number + 1) + " that your function made: " + what);
  };
  const auto check = [&](const char* name, const at::Tensor& values, at::IntArrayRef expected) {
    if (values.dim() > 0 && values.size(0) > 0 && values.sizes().slice(1) == expected) return;
    refuse("ERR_SHAPE", std::string(name) + " must be [n, ...] of samples " + c10::str(expected) + ", got " +
                            c10::str(values.sizes()));
  };
  check("images", made.images, sample());
  check("labels", made.labels, targets().shape());
  if (made.images.size(0) != made.labels.size(0)) {
    refuse("ERR_SHAPE", std::to_string(made.images.size(0)) + " images have " +
                            std::to_string(made.labels.size(0)) + " labels");
  }
  if (made.labels.is_floating_point() != (targets().dtype() == at::kFloat)) {
    refuse("ERR_DTYPE", std::string("labels must be ") +
                            (targets().dtype() == at::kFloat ? "floats" : "whole numbers") +
                            ", as targetDtype says");
  }
}

class BatchesDataset::Reading : public Pass {
 public:
  Reading(std::shared_ptr<const BatchesDataset> dataset, Plan plan)
      : dataset_(std::move(dataset)),
        plan_(std::move(plan)),
        queue_(std::make_shared<BatchQueue>()),
        id_(dataset_->maker_->Open(queue_, plan_.seed)) {
    if (!dataset_->of_) return;
    Plan theirs = plan_;
    theirs.device = at::kCPU;
    of_ = dataset_->of_->Read(std::move(theirs));
  }
  ~Reading() override { dataset_->maker_->Close(id_); }

  bool Ready(const Job& job) override {
    Ask(job);
    // If none of a batch's samples can be read, there is nothing to wait for.
    if (!asked_.empty() && asked_.front().empty() && dataset_->of_) return true;
    if (asked_.empty()) return of_ && (of_->Over() || begun_ == plan_.steps());
    return queue_->Wait();
  }

  Batch Next(const Job& job) override {
    for (;;) {
      while (!Ready(job)) {
        if (job.Cancelled()) return {};
      }
      if (asked_.empty()) return {};
      auto indices = std::move(asked_.front());
      asked_.pop_front();
      if (dataset_->of_ && indices.empty()) return {};
      auto made = queue_->Take();
      if (!made) {
        ended_ = true;
        return {};
      }
      dataset_->CheckMade(*made, taken_++);
      if (!dataset_->of_ && taken_ <= plan_.skip) continue;
      return Made(job, std::move(*made), std::move(indices));
    }
  }

  bool Over() const override { return ended_ || (of_ && of_->Over() && asked_.empty()); }

 private:
  // Requests batches, as far ahead as allowed.
  void Ask(const Job& job) {
    while (!ended_ && static_cast<std::int64_t>(asked_.size()) < dataset_->settings_.ahead) {
      if (!of_) {
        asked_.emplace_back();
        dataset_->maker_->Next(id_, {});
        continue;
      }
      const bool all = dataset_->of_->Indexed() && begun_ == plan_.steps();
      if (all || of_->Over() || !of_->Ready(job)) return;
      auto batch = of_->Next(job);
      if (batch.size() == 0 && (job.Cancelled() || of_->Over())) return;
      ++begun_;
      asked_.push_back(batch.indices);
      if (batch.size() > 0) dataset_->maker_->Next(id_, std::move(batch));
    }
  }

  Batch Made(const Job& job, BatchQueue::Made made, std::vector<std::int64_t> indices) {
    const auto count = made.images.size(0);
    if (!indices.empty() && static_cast<std::int64_t>(indices.size()) != count) {
      throw Error("ERR_SHAPE", "a function of map() must return as many samples as it is given, " +
                                   std::to_string(indices.size()) + ", got " + std::to_string(count));
    }
    if (indices.empty()) {
      indices = InOrder(count);
      for (auto& index : indices) index += seen_;
    }
    seen_ += count;
    const auto& [mean, deviation, ahead, batches] = dataset_->settings_;
    auto targets = std::make_shared<const Targets>(made.labels);
    const auto one = std::make_shared<MemoryDataset>(
        made.images, *targets, mean, deviation, 1, std::vector<std::int64_t>{}, false, Residency::kStreamed);
    auto batch = one->Read({InOrder(count), count, plan_.device})->Next(job);
    batch.indices = std::move(indices);
    batch.targets = std::move(targets);
    return batch;
  }

  const std::shared_ptr<const BatchesDataset> dataset_;
  const Plan plan_;
  const std::shared_ptr<BatchQueue> queue_;
  const std::int64_t id_;
  std::unique_ptr<Pass> of_;
  // The batches that have been requested but not taken: for each its samples, if it is made from some.
  std::deque<std::vector<std::int64_t>> asked_;
  std::int64_t begun_ = 0, taken_ = 0, seen_ = 0;
  bool ended_ = false;
};

std::unique_ptr<Dataset::Pass> BatchesDataset::Read(Plan plan) const {
  return std::make_unique<Reading>(std::static_pointer_cast<const BatchesDataset>(shared_from_this()),
                                   std::move(plan));
}

namespace {

struct BatchesOptions : BatchesDataset::Settings {
  std::vector<std::int64_t> sample_shape, target_shape;
  at::ScalarType target_dtype;
};
const auto kBatchesFields = Fields<BatchesOptions>(
    "batches", Field("sampleShape", &BatchesOptions::sample_shape, kShape),
    Field("targetShape", &BatchesOptions::target_shape, kShape),
    Field("targetDtype", &BatchesOptions::target_dtype), Field("mean", &BatchesOptions::mean),
    Field("std", &BatchesOptions::deviation), Field("ahead", &BatchesOptions::ahead).AtLeast(1),
    Field("batches", &BatchesOptions::batches).AtLeast(1).Optional());

// batchesMake(ask, of | undefined, options): a dataset of what `ask` makes; BatchMaker describes how it is
// called.
Napi::Value MakeBatches(const Napi::CallbackInfo& info) {
  const auto ask = ToFunction(info[0], "ask");
  auto options = kBatchesFields.Read(info[2], "options");
  std::shared_ptr<const Dataset> of;
  if (!info[1].IsUndefined()) of = DatasetHandle::Get(info[1], "dataset");
  if (options.target_dtype != at::kLong && options.target_dtype != at::kFloat)
    throw Error("ERR_DTYPE", "targetDtype must be 'int64' or 'float32'");
  auto maker = std::make_shared<BatchMaker>(info.Env(), ask);
  Targets targets(options.target_dtype, std::move(options.target_shape));
  auto sample = std::move(options.sample_shape);
  return DatasetHandle::Wrap(
      info.Env(), std::make_shared<BatchesDataset>(std::move(maker), std::move(of), std::move(targets),
                                                   std::move(sample), std::move(options)));
}

// Protects a batch from what the caller writes to the tensor later.
at::Tensor Kept(const Napi::Value& value, const char* what) {
  const at::Tensor& tensor = Unwrap(value, what);
  return tensor.is_cpu() ? Snapshot(tensor) : tensor.detach().cpu();
}

// batchesPut(queue, images, labels): adds a batch.
Napi::Value Put(const Napi::CallbackInfo& info) {
  const auto queue = Handle<BatchQueue>::Get(info[0], "queue");
  queue->Put({Kept(info[1], "images"), Kept(info[2], "labels")});
  return info.Env().Undefined();
}

// batchesEnd(queue, why?): announces that there are no more batches; `why` is the reason if making one
// failed.
Napi::Value End(const Napi::CallbackInfo& info) {
  const auto queue = Handle<BatchQueue>::Get(info[0], "queue");
  if (info[1].IsUndefined()) {
    queue->End();
  } else {
    queue->Fail(ToString(info[1], "why"));
  }
  return info.Env().Undefined();
}

}  // namespace

void RegisterBatches(Napi::Env env, Napi::Object exports) {
  Handle<BatchQueue>::Register(env);
  Export<MakeBatches>(exports, "batchesMake");
  Export<Put>(exports, "batchesPut");
  Export<End>(exports, "batchesEnd");
}

}  // namespace torch_prune
