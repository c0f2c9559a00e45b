#include "device_pixels.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "dataset.h"

namespace torch_prune {
namespace {

// For each center 0..length-1, whether a cutout covers the places 0..length-1.
at::Tensor Covered(std::int64_t length, std::int64_t side, const at::Device& device) {
  const auto places = at::arange(length, at::TensorOptions(at::kLong).device(device));
  const auto from_begin = places.unsqueeze(0).sub(places.unsqueeze(1)).add_(side / 2);
  return at::bitwise_and(from_begin.ge(0), from_begin.lt(side));
}

}  // namespace

DevicePixels::DevicePixels(std::vector<std::int64_t> sample, const std::vector<double>& mean,
                           const std::vector<double>& deviation, const Augmentation& augmentation,
                           const at::Device& device)
    : sample_(std::move(sample)) {
  if (!mean.empty()) {
    // In pinned memory, so that the GPU is not waited for.
    std::vector<std::int64_t> shape(sample_.size() + 2, 1);
    const auto channels = static_cast<std::int64_t>(mean.size());
    shape[0] = 2;
    shape[2] = channels;
    const at::Tensor factors = Dataset::BatchMemory(shape, at::kFloat, device);
    auto* out = factors.mutable_data_ptr<float>();
    for (std::int64_t c = 0; c < channels; ++c) {
      out[c] = static_cast<float>(1 / (255 * deviation[c]));
      out[channels + c] = static_cast<float>(-mean[c] / deviation[c]);
    }
    factors_ = Dataset::Upload(factors, device);
  }
  if (!augmentation.Any() || sample_.size() != 3) return;
  if (augmentation.crop) {
    // A crop further out than the image's own size is as black as one that touches it.
    pad_y_ = std::min(augmentation.crop->padding, sample_[1]);
    pad_x_ = std::min(augmentation.crop->padding, sample_[2]);
  }
  if (augmentation.flip || pad_y_ > 0) MakePlaces(augmentation.flip, device);
  if (augmentation.cutout > 0) MakeCutout(augmentation.cutout, device);
}

void DevicePixels::MakePlaces(bool flip, const at::Device& device) {
  const auto options = at::TensorOptions(at::kLong).device(device);
  const auto rows = at::arange(sample_[1], options).mul_(sample_[2] + 2 * pad_x_).unsqueeze(1);
  const auto columns = at::arange(sample_[2], options);
  places_ = rows.add(columns).reshape({1, -1});
  if (flip) places_ = at::cat({places_, rows.add(columns.flip(0)).reshape({1, -1})});
}

void DevicePixels::MakeCutout(std::int64_t side, const at::Device& device) {
  covered_rows_ = Covered(sample_[1], side, device);
  covered_columns_ = Covered(sample_[2], side, device);
}

std::int64_t DevicePixels::Offset(const Drawn& drawn) const {
  const auto y = std::clamp(drawn.dy, -pad_y_, pad_y_) + pad_y_;
  const auto x = std::clamp(drawn.dx, -pad_x_, pad_x_) + pad_x_;
  return y * (sample_[2] + 2 * pad_x_) + x;
}

at::Tensor DevicePixels::Moved(const at::Tensor& pixels, const at::Tensor& moves) const {
  const auto count = pixels.size(0), channels = sample_[0], height = sample_[1], width = sample_[2];
  const bool pads = pad_y_ > 0 || pad_x_ > 0;
  const auto padded = pads ? at::constant_pad_nd(pixels, {pad_x_, pad_x_, pad_y_, pad_y_}) : pixels;
  at::Tensor index = places_.size(0) > 1 ? places_.index_select(0, moves.select(0, 1)) : places_;
  if (pads) index = index.add(moves.select(0, 0).unsqueeze(1));
  index = index.unsqueeze(1).expand({count, channels, height * width});
  return padded.flatten(2).gather(2, index).view({count, channels, height, width});
}

at::Tensor DevicePixels::Normalized(const at::Tensor& pixels, const at::Tensor& holes) const {
  at::Tensor images;
  if (factors_.defined()) {
    // One kernel reads bytes and writes floats: a byte times a float is a float.
    images = at::mul(pixels, factors_.select(0, 0)).add_(factors_.select(0, 1)).contiguous();
  } else {
    images = pixels.to(at::kFloat);
  }
  if (!covered_rows_.defined()) return images;
  const auto count = images.size(0), height = sample_[1], width = sample_[2];
  const auto rows = covered_rows_.index_select(0, holes.select(0, 0)).view({count, 1, height, 1});
  const auto columns = covered_columns_.index_select(0, holes.select(0, 1)).view({count, 1, 1, width});
  return images.masked_fill_(at::bitwise_and(rows, columns), 0);
}

}  // namespace torch_prune
