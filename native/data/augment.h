#pragma once
#include <napi.h>

#include <array>
#include <cstdint>
#include <optional>

#include "random.h"

namespace torch_prune {

// Random changes to training samples, drawn in this order: a crop, a flip, a hole.
struct Augmentation {
  // A window of the image's own size at a random place of the image padded with black (torchvision's
  // RandomCrop).
  std::optional<std::int64_t> padding;
  // A window of random area and shape, resized (torchvision's RandomResizedCrop).
  struct ResizedCrop {
    std::array<double, 2> scale, ratio;
  };
  std::optional<ResizedCrop> resized_crop;
  bool flip = false;
  // The side of a square set to the mean (Cutout, DeVries and Taylor 2017), 0 for none. Its centre lies
  // anywhere in the image, so a part of it may lie outside.
  std::int64_t cutout = 0;

  bool Any() const { return padding || resized_crop || flip || cutout > 0; }

  // {crop?: {padding}, resizedCrop?: {scale, ratio}, flip?, cutout?}, or undefined.
  static Augmentation Of(const Napi::Value& value);
};

// Fills the hole of an image float32 [channels, height, width] with 0, the mean of normalised values.
void CutOut(float* image, std::int64_t channels, std::int64_t height, std::int64_t width, std::int64_t side,
            SampleRandom& random);

}  // namespace torch_prune
