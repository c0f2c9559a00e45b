#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "../base/handle.h"
#include "../tensor/non_finite.h"
#include "augment.h"
#include "targets.h"

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

  // `sample`: the shape of one.
  Dataset(Targets targets, std::vector<std::int64_t> sample)
      : targets_(std::move(targets)), sample_(std::move(sample)), size_(targets_.values().size(0)) {}
  // Whether samples can be asked for by index. Others come as they come, in batches that somebody else makes:
  // their number is not known, and nothing is asked of them but to be read from beginning to end.
  bool Indexed() const { return size_ >= 0; }
  // Throws, naming what cannot be done, unless samples have an index.
  void NeedIndex(const char* what) const;
  // Batches of one reading; -1 where that is not known.
  virtual std::int64_t Steps(std::int64_t batch_size, bool drop_last = false) const {
    return drop_last ? size() / batch_size : Batches(size(), batch_size);
  }
  virtual ~Dataset() = default;
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;

  // -1 where it is not known.
  std::int64_t size() const { return size_; }
  const std::vector<std::int64_t>& sample() const { return sample_; }
  const Targets& targets() const { return targets_; }
  // [N] or [N, ...]; undefined where they come with the batches.
  const at::Tensor& labels() const { return targets_.values(); }
  // What it keeps in memory: a job that reads it claims that.
  virtual std::vector<at::Tensor> Memory() const { return {labels()}; }
  // Throws where samples cannot be changed that way.
  virtual void CheckAugmentation(const Augmentation& augmentation) const = 0;

  struct Batch {
    at::Tensor images;                  // float32 [n, C, ...], on the device
    at::Tensor labels;                  // int64 or float32 [n, ...]
    std::vector<std::int64_t> indices;  // of its samples, without those that could not be read
    // What is known of its labels, where nothing was known of the dataset's before.
    std::shared_ptr<const Targets> targets = {};

    std::int64_t size() const { return static_cast<std::int64_t>(indices.size()); }
  };

  // What is read from beginning to end: all of it is known beforehand, so that it can be read ahead.
  struct Plan {
    std::vector<std::int64_t> order;
    std::int64_t batch_size = 1;
    at::Device device = at::kCPU;
    Augmentation augmentation = {};
    std::uint64_t seed = 0;  // of the augmentation
    std::int64_t skip = 0;   // batches of it that are passed over, where samples have no index

    std::int64_t steps() const { return Batches(static_cast<std::int64_t>(order.size()), batch_size); }
  };
  // One reading. Its batches are those of the plan, whatever the number of threads.
  class Pass {
   public:
    virtual ~Pass() = default;
    // The next batch; an empty one when the job is cancelled while it waits.
    virtual Batch Next(const Job& job) = 0;
    // Waits a little for that; false where others may have their turn on this thread meanwhile.
    virtual bool Ready(const Job&) { return true; }
    // Whether it has come to its end, where that was not known before.
    virtual bool Over() const { return false; }
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
  // Whose labels come with the batches. size: -1 where it is not known.
  Dataset(Targets targets, std::vector<std::int64_t> sample, std::int64_t size)
      : targets_(std::move(targets)), sample_(std::move(sample)), size_(size) {}
  virtual std::shared_ptr<Dataset> Cut(std::int64_t begin, std::int64_t end) const = 0;
  void CheckIndices(const std::vector<std::int64_t>& indices) const;
  // Memory on the CPU for the images or labels of a batch that goes to `device`: pinned where that is a GPU,
  // which then fetches them while the threads here go on.
  static at::Tensor BatchMemory(at::IntArrayRef shape, at::ScalarType dtype, const at::Device& device);
  // The batch of these images and of the labels of these samples, on the device.
  Batch BatchOn(const at::Device& device, const at::Tensor& images, std::vector<std::int64_t> indices) const;

 private:
  const Targets targets_;
  const std::vector<std::int64_t> sample_;
  const std::int64_t size_;
};

// 0, 1, 2, ...
std::vector<std::int64_t> InOrder(std::int64_t count);

using DatasetHandle = Handle<Dataset>;

void RegisterDataset(Napi::Env env, Napi::Object exports);

}  // namespace torch_prune
