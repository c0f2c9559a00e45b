#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

#include <vector>

#include "../handle.h"

namespace torch_prune {

// Labelled samples in memory, immutable: bytes (normalised as they are gathered) or floats.
class Dataset {
 public:
  static constexpr std::uint64_t kTag = 4;
  static constexpr const char* kName = "dataset";

  // images: uint8 or float32 [N, C, ...]; labels: int64 [N]; mean, deviation: one number a channel, in 0..1.
  Dataset(at::Tensor images, at::Tensor labels, std::vector<double> mean, std::vector<double> deviation);

  std::int64_t size() const { return labels_.size(0); }
  const at::Tensor& images() const { return images_; }
  const at::Tensor& labels() const { return labels_; }
  // Throws unless there is an output for each label: on CUDA, cross-entropy would end the whole context.
  void CheckClasses(const at::Tensor& logits) const;

  struct Batch {
    at::Tensor images;  // float32 [n, C, ...], on the device
    at::Tensor labels;  // int64 [n]
  };
  Batch Gather(const std::int64_t* indices, std::int64_t count, const at::Device& device) const;

  // Samples begin..end as a dataset of their own; shares memory.
  std::shared_ptr<Dataset> Slice(std::int64_t begin, std::int64_t end) const;

 private:
  void NormaliseInto(float* out, const std::uint8_t* bytes) const;

  at::Tensor images_, labels_;
  std::vector<double> mean_, deviation_;
  std::vector<float> table_;  // [C, 256]: the normalised value of each byte
  std::int64_t channels_, plane_;
  std::int64_t largest_label_;
};

using DatasetHandle = Handle<Dataset>;

void RegisterDataset(Napi::Env env, Napi::Object exports);

}  // namespace torch_prune
