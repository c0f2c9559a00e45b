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

// The number of batches of up to `size` samples that hold all samples. `size` may be too large to be added
// to.
constexpr std::int64_t Batches(std::int64_t samples, std::int64_t size) {
  return samples / size + (samples % size == 0 ? 0 : 1);
}

// Labeled samples; immutable. Subclasses decide where the samples are: in memory, a folder, or a packed file.
class Dataset : public std::enable_shared_from_this<Dataset> {
 public:
  static constexpr std::uint64_t kTag = 4;
  static constexpr const char* kName = "dataset";

  // `sample`: the shape of one sample.
  Dataset(Targets targets, std::vector<std::int64_t> sample)
      : targets_(std::move(targets)), sample_(std::move(sample)), size_(targets_.values().size(0)) {}
  // Whether samples can be requested by index. Otherwise they come in batches that somebody else makes: their
  // number is not known, and they can only be read from beginning to end.
  bool Indexed() const { return size_ >= 0; }
  // Throws unless samples have an index; `what` names what cannot be done without.
  void NeedIndex(const char* what) const;
  // The number of batches in one reading; -1 if it is not known.
  virtual std::int64_t Steps(std::int64_t batch_size, bool drop_last = false) const {
    return drop_last ? size() / batch_size : Batches(size(), batch_size);
  }
  virtual ~Dataset() = default;
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;

  // The number of samples; -1 if it is not known.
  std::int64_t size() const { return size_; }
  const std::vector<std::int64_t>& sample() const { return sample_; }
  const Targets& targets() const { return targets_; }
  // The labels, [N] or [N, ...]; undefined if they come with the batches.
  const at::Tensor& labels() const { return targets_.values(); }
  // What it keeps in memory; a job that reads the dataset claims that.
  virtual std::vector<at::Tensor> Memory() const { return {labels()}; }
  // Throws if samples cannot be augmented like this.
  virtual void CheckAugmentation(const Augmentation& augmentation) const = 0;

  struct Batch {
    at::Tensor images;                  // float32 [n, C, ...], on the device
    at::Tensor labels;                  // int64 or float32 [n, ...]
    std::vector<std::int64_t> indices;  // of its samples, except those that could not be read
    // What is known about its labels, if nothing is known about those of the dataset.
    std::shared_ptr<const Targets> targets = {};
    at::Tensor samples = {};  // the indices on the device, int64 [n], if they lie there

    std::int64_t size() const { return static_cast<std::int64_t>(indices.size()); }
  };

  // What is read from beginning to end. It is completely known beforehand, so that it can be read ahead.
  struct Plan {
    std::vector<std::int64_t> order;
    std::int64_t batch_size = 1;
    at::Device device = at::kCPU;
    Augmentation augmentation = {};
    std::uint64_t seed = 0;  // of the augmentation
    std::int64_t skip = 0;   // the number of batches to skip, if samples have no index
    // Whether batches for the CPU are made like those for a GPU. For tests; a GPU's always are.
    bool on_tensors = false;

    bool OnTensors() const { return on_tensors || !device.is_cpu(); }
    std::int64_t steps() const { return Batches(static_cast<std::int64_t>(order.size()), batch_size); }
  };
  // One reading of a plan. Its batches are those of the plan, whatever the number of threads.
  class Pass {
   public:
    virtual ~Pass() = default;
    // The next batch; an empty one if the job is cancelled while it waits.
    virtual Batch Next(const Job& job) = 0;
    // Waits briefly for the next batch; false if it is not ready, so that others may get a turn on this
    // thread.
    virtual bool Ready(const Job&) { return true; }
    // Whether it has reached its end, if that was not known beforehand.
    virtual bool Over() const { return false; }
  };
  virtual std::unique_ptr<Pass> Read(Plan plan) const = 0;

  // Reads samples immediately on the calling thread, without augmentation; throws if that would take long.
  virtual Batch Gather(const std::vector<std::int64_t>& indices, const at::Device& device) const = 0;

  // Samples begin..end as a separate dataset, which shares memory with this one.
  std::shared_ptr<Dataset> Slice(std::int64_t begin, std::int64_t end) const;

  // The samples that could not be read so far, and why.
  struct Skipped {
    std::int64_t index;
    std::string reason;
  };
  virtual std::vector<Skipped> SkippedSamples() const { return {}; }
  // Whether every sample can certainly be read.
  virtual bool Whole() const { return true; }
  // The NaN and infinite values of samples in memory; `first` is the index of a sample.
  virtual NonFinite NonFiniteSamples() const { return {}; }
  // Throws an error that says why a reading delivered no sample at all.
  [[noreturn]] void RefuseEmpty() const;

  // Memory on the CPU for the images or labels of a batch for `device`. It is pinned if that is a GPU, which
  // then copies the batch while the threads here continue.
  static at::Tensor BatchMemory(at::IntArrayRef shape, at::ScalarType dtype, const at::Device& device);
  // Copies such memory to the device.
  static at::Tensor Upload(const at::Tensor& values, const at::Device& device);

 protected:
  // For datasets whose labels come with the batches. size: -1 if it is not known.
  Dataset(Targets targets, std::vector<std::int64_t> sample, std::int64_t size)
      : targets_(std::move(targets)), sample_(std::move(sample)), size_(size) {}
  virtual std::shared_ptr<Dataset> Cut(std::int64_t begin, std::int64_t end) const = 0;
  void CheckIndices(const std::vector<std::int64_t>& indices) const;
  // Makes the batch of these images and of the labels of these samples, on the device.
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
