#include "augment.h"

#include <algorithm>

#include "../base/arguments.h"

namespace torch_prune {
namespace {

std::array<double, 2> ToRange(const Napi::Value& value, const char* what) {
  const auto numbers = ToNumbers(value, what);
  if (numbers.size() != 2 || !(numbers[0] > 0) || !(numbers[1] >= numbers[0]) || !(numbers[1] <= 1e6))
    throw Error("ERR_ARGUMENT", std::string(what) + " must be two numbers over 0, the smaller one first");
  return {numbers[0], numbers[1]};
}

std::int64_t ToLength(std::int64_t value, const char* what) {
  if (value < 0 || value > 4096)
    throw Error("ERR_ARGUMENT",
                std::string(what) + " must be 0 to 4096 pixels, got " + std::to_string(value));
  return value;
}

}  // namespace

Augmentation Augmentation::Of(const Napi::Value& value) {
  Augmentation augmentation;
  if (value.IsUndefined() || value.IsNull()) return augmentation;
  const Options options(value, "augment");
  if (options.Has("crop")) {
    const Options crop(options.Get("crop"), "augment.crop");
    augmentation.padding = ToLength(crop.Integer("padding", 0), "augment.crop.padding");
  }
  if (options.Has("resizedCrop")) {
    const Options crop(options.Get("resizedCrop"), "augment.resizedCrop");
    augmentation.resized_crop = {ToRange(crop.Get("scale"), "augment.resizedCrop.scale"),
                                 ToRange(crop.Get("ratio"), "augment.resizedCrop.ratio")};
    if (augmentation.padding)
      throw Error("ERR_ARGUMENT", "augment has both crop and resizedCrop: choose one of them");
  }
  augmentation.flip = options.Boolean("flip", false);
  augmentation.cutout = ToLength(options.Integer("cutout", 0), "augment.cutout");
  return augmentation;
}

void CutOut(float* image, std::int64_t channels, std::int64_t height, std::int64_t width, std::int64_t side,
            SampleRandom& random) {
  const std::int64_t top = random.Below(height) - side / 2;
  const std::int64_t left = random.Below(width) - side / 2;
  const std::int64_t y0 = std::max<std::int64_t>(top, 0), y1 = std::min(top + side, height);
  const std::int64_t x0 = std::max<std::int64_t>(left, 0), x1 = std::min(left + side, width);
  if (x0 >= x1) return;
  for (std::int64_t c = 0; c < channels; ++c) {
    for (std::int64_t y = y0; y < y1; ++y) {
      float* row = image + (c * height + y) * width;
      std::fill(row + x0, row + x1, 0.0F);
    }
  }
}

}  // namespace torch_prune
