#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "../base/handle.h"
#include "../tensor/non_finite.h"
#include "augment.h"

namespace torch_prune {

// How many batches of up to `size` samples hold them all. The size may be larger than any sum with it.
constexpr std::int64_t Batches(std::int64_t samples, std::int64_t size) {
  return samples / size + (samples % size == 0 ? 0 : 1);
}

// Labelled samples, immutable. Where they lie (memory, a folder, a packed file) is its children's affair.
class Dataset : public std::enable_shared_from_this<Dataset> {
 public:
  static constexpr std::uint64_t kTag = 4;
  static constexpr const char* kName = "dataset";

  // labels: int64 [N] on the CPU; `sample`: the shape of one.
  Dataset(at::Tensor labels, std::vector<std::int64_t> sample);
  virtual ~Dataset() = default;
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;

  std::int64_t size() const { return labels_.size(0); }
  const std::vector<std::int64_t>& sample() const { return sample_; }
  const at::Tensor& labels() const { return labels_; }
  // What it keeps in memory: a job that reads it claims that.
  virtual std::vector<at::Tensor> Memory() const { return {labels_}; }
  // Throws unless there is an output for each label: on CUDA, cross-entropy would end the whole context.
  void CheckClasses(const at::Tensor& logits) const;
  std::int64_t largest_label() const { return largest_label_; }
  // Throws where samples cannot be changed that way.
  virtual void CheckAugmentation(const Augmentation& augmentation) const = 0;

  struct Batch {
    at::Tensor images;                  // float32 [n, C, ...], on the device
    at::Tensor labels;                  // int64 [n]
    std::vector<std::int64_t> indices;  // of its samples, without those that could not be read

    std::int64_t size() const { return static_cast<std::int64_t>(indices.size()); }
  };

  // What is read from beginning to end: all of it is known beforehand, so that it can be read ahead.
  struct Plan {
    std::vector<std::int64_t> order;
    std::int64_t batch_size = 1;
    at::Device device = at::kCPU;
    Augmentation augmentation = {};
    std::uint64_t seed = 0;  // of the augmentation

    std::int64_t steps() const { return Batches(static_cast<std::int64_t>(order.size()), batch_size); }
  };
  // One reading. Its batches are those of the plan, whatever the number of threads.
  class Pass {
   public:
    virtual ~Pass() = default;
    // The next batch; an empty one when the job is cancelled while it waits.
    virtual Batch Next(const Job& job) = 0;
  };
  virtual std::unique_ptr<Pass> Read(Plan plan) const = 0;

  // Samples at once on the calling thread, unchanged; refused where that would take long.
  virtual Batch Gather(const std::vector<std::int64_t>& indices, const at::Device& device) const = 0;

  // Samples begin..end as a dataset of their own; shares memory.
  std::shared_ptr<Dataset> Slice(std::int64_t begin, std::int64_t end) const;

  // Samples that could not be read so far, with why.
  struct Skipped {
    std::int64_t index;
    std::string reason;
  };
  virtual std::vector<Skipped> SkippedSamples() const { return {}; }
  // Whether every sample can surely be read.
  virtual bool Whole() const { return true; }
  // NaN and infinite values of samples in memory; `first` is a sample.
  virtual NonFinite NonFiniteSamples() const { return {}; }
  // Says why a reading gave no sample at all.
  [[noreturn]] void RefuseEmpty() const;

 protected:
  virtual std::shared_ptr<Dataset> Cut(std::int64_t begin, std::int64_t end) const = 0;
  void CheckIndices(const std::vector<std::int64_t>& indices) const;
  // Memory on the CPU for the images or labels of a batch that goes to `device`: pinned where that is a GPU,
  // which then fetches them while the threads here go on.
  static at::Tensor BatchMemory(at::IntArrayRef shape, at::ScalarType dtype, const at::Device& device);
  // The batch of these images and of the labels of these samples, on the device.
  Batch BatchOn(const at::Device& device, const at::Tensor& images, std::vector<std::int64_t> indices) const;

 private:
  at::Tensor labels_;
  std::vector<std::int64_t> sample_;
  std::int64_t largest_label_;
};

// 0, 1, 2, ...
std::vector<std::int64_t> InOrder(std::int64_t count);

using DatasetHandle = Handle<Dataset>;

void RegisterDataset(Napi::Env env, Napi::Object exports);

}  // namespace torch_prune
