#include "dataset.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cstring>

#include "../arguments.h"
#include "../tensor/tensor.h"

namespace torch_prune {

Dataset::Dataset(at::Tensor images, at::Tensor labels, std::vector<double> mean,
                 std::vector<double> deviation)
    : images_(images.contiguous()),
      labels_(labels.contiguous()),
      mean_(std::move(mean)),
      deviation_(std::move(deviation)) {
  const auto dtype = images_.scalar_type();
  if (dtype != at::kByte && dtype != at::kFloat) throw Error("ERR_DTYPE", "images must be uint8 or float32");
  if (labels_.scalar_type() != at::kLong) throw Error("ERR_DTYPE", "labels must be int64");
  if (!images_.is_cpu() || !labels_.is_cpu())
    throw Error("ERR_DEVICE", "a dataset lies in the CPU's memory: batches go to the device");
  if (images_.dim() < 2 || labels_.dim() != 1 || images_.size(0) != labels_.size(0)) {
    throw Error("ERR_SHAPE", "images must be [N, C, ...] and labels [N], got " + c10::str(images_.sizes()) +
                                 " and " + c10::str(labels_.sizes()));
  }
  if (images_.size(0) == 0) throw Error("ERR_SHAPE", "a dataset needs at least one sample");
  // A negative label would be passed over by cross-entropy (its ignore_index is -100), or be out of range.
  if (const auto least = labels_.min().item<std::int64_t>(); least < 0)
    throw Error("ERR_ARGUMENT", "labels must be 0 or more, got " + std::to_string(least));
  largest_label_ = labels_.max().item<std::int64_t>();
  channels_ = images_.size(1);
  plane_ = images_.numel() / images_.size(0) / std::max<std::int64_t>(channels_, 1);
  if (dtype == at::kFloat) {
    if (!mean_.empty() || !deviation_.empty())
      throw Error("ERR_ARGUMENT", "float images come normalised: mean and std are for uint8");
    return;
  }
  if (static_cast<std::int64_t>(mean_.size()) != channels_ ||
      static_cast<std::int64_t>(deviation_.size()) != channels_) {
    throw Error("ERR_SHAPE", "mean and std need one number a channel, " + std::to_string(channels_));
  }
  // 256 possible bytes: a table holds exactly what div(255).sub(mean).div(std) gives in float32.
  const auto bytes = at::arange(256, at::kByte).to(at::kFloat).div_(255);
  table_.resize(static_cast<std::size_t>(channels_) * 256);
  for (std::int64_t c = 0; c < channels_; ++c) {
    if (!(deviation_[c] > 0))
      throw Error("ERR_ARGUMENT", "std must be over 0, got " + std::to_string(deviation_[c]));
    const auto values = bytes.sub(mean_[c]).div_(deviation_[c]);
    std::memcpy(&table_[c * 256], values.const_data_ptr<float>(), 256 * sizeof(float));
  }
}

void Dataset::NormaliseInto(float* out, const std::uint8_t* bytes) const {
  for (std::int64_t c = 0; c < channels_; ++c) {
    const float* table = &table_[c * 256];
    for (std::int64_t i = 0; i < plane_; ++i) *out++ = table[*bytes++];
  }
}

Dataset::Batch Dataset::Gather(const std::int64_t* indices, std::int64_t count,
                               const at::Device& device) const {
  auto shape = images_.sizes().vec();
  shape[0] = count;
  at::Tensor images = at::empty(shape, at::kFloat);
  at::Tensor labels = at::empty({count}, at::kLong);
  const std::int64_t sample = channels_ * plane_;
  float* out = images.mutable_data_ptr<float>();
  const std::int64_t* known = labels_.const_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < count; ++i) {
    if (indices[i] < 0 || indices[i] >= size()) {
      throw Error("ERR_ARGUMENT",
                  "sample " + std::to_string(indices[i]) + " of a dataset of " + std::to_string(size()));
    }
    labels.mutable_data_ptr<std::int64_t>()[i] = known[indices[i]];
  }
  const bool bytes = images_.scalar_type() == at::kByte;
  at::parallel_for(0, count, 32, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      if (bytes) {
        NormaliseInto(out + i * sample, images_.const_data_ptr<std::uint8_t>() + indices[i] * sample);
      } else {
        std::memcpy(out + i * sample, images_.const_data_ptr<float>() + indices[i] * sample,
                    sample * sizeof(float));
      }
    }
  });
  if (device.is_cpu()) return {std::move(images), std::move(labels)};
  return {images.to(device), labels.to(device)};
}

void Dataset::CheckClasses(const at::Tensor& logits) const {
  if (logits.dim() != 2) {
    throw Error("ERR_SHAPE", "the network's output must be [N, classes], got " + c10::str(logits.sizes()));
  }
  if (largest_label_ >= logits.size(1)) {
    throw Error("ERR_ARGUMENT", "the dataset has a label " + std::to_string(largest_label_) +
                                    ", the network has outputs for " + std::to_string(logits.size(1)) +
                                    " classes: give it one for each");
  }
}

std::shared_ptr<Dataset> Dataset::Slice(std::int64_t begin, std::int64_t end) const {
  if (begin < 0 || end > size() || begin >= end) {
    throw Error("ERR_ARGUMENT", "samples " + std::to_string(begin) + ".." + std::to_string(end) +
                                    " of a dataset of " + std::to_string(size()));
  }
  return std::make_shared<Dataset>(images_.slice(0, begin, end), labels_.slice(0, begin, end), mean_,
                                   deviation_);
}

namespace {

Napi::Value Make(const Napi::CallbackInfo& info) {
  return DatasetHandle::Wrap(
      info.Env(), std::make_shared<Dataset>(Unwrap(info[0], "images"), Unwrap(info[1], "labels"),
                                            ToNumbers(info[2], "mean"), ToNumbers(info[3], "std")));
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

// datasetBatch(dataset, indices, device): [images, labels]
Napi::Value Batch(const Napi::CallbackInfo& info) {
  const auto indices = ToIntegers(info[1], "indices");
  const auto batch =
      DatasetHandle::Get(info[0], "dataset")
          ->Gather(indices.data(), static_cast<std::int64_t>(indices.size()), ToDevice(info[2], "device"));
  auto pair = Napi::Array::New(info.Env(), 2);
  pair.Set(0U, Wrap(info.Env(), batch.images));
  pair.Set(1U, Wrap(info.Env(), batch.labels));
  return pair;
}

}  // namespace

void RegisterDataset(Napi::Env env, Napi::Object exports) {
  DatasetHandle::Register(env);
  Export<Make>(exports, "datasetMake");
  Export<Dispose>(exports, "datasetDispose");
  Export<Slice>(exports, "datasetSlice");
  Export<Batch>(exports, "datasetBatch");
}

}  // namespace torch_prune
