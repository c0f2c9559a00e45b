#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "../base/field_types.h"
#include "random.h"

namespace torch_prune {

// Random changes to training samples, drawn in this order: a crop, a flip, a cutout.
struct Augmentation {
  // A window of the image's own size at a random position in the image padded with black (torchvision's
  // RandomCrop).
  struct Crop {
    std::int64_t padding = 0;
  };
  std::optional<Crop> crop;
  // A window of random area and shape, which is resized (torchvision's RandomResizedCrop).
  struct ResizedCrop {
    std::array<double, 2> scale, ratio;
  };
  std::optional<ResizedCrop> resized_crop;
  bool flip = false;
  // The side of a square that is set to the mean (Cutout, DeVries and Taylor 2017); 0 for none. Its center
  // may be anywhere in the image, so a part of it may be outside.
  std::int64_t cutout = 0;

  bool Any() const { return crop || resized_crop || flip || cutout > 0; }

  // Reads an augmentation; undefined stands for none.
  static Augmentation Of(const Napi::Value& value);
};

template <>
struct FieldType<Augmentation> {
  using Type = Augmentation;
  static std::string Kind() { return "augment"; }
  static Augmentation Read(const Napi::Value& value, const std::string&) { return Augmentation::Of(value); }
};

// What an augmentation draws for a sample in memory.
struct Drawn {
  std::int64_t dy = 0, dx = 0;  // the position of the crop in the image; negative in the padding before it
  bool flip = false;
  // The center of the cutout.
  struct Hole {
    std::int64_t y = 0, x = 0;
    static Hole Of(std::int64_t height, std::int64_t width, SampleRandom& random);
  } hole;

  static Drawn Of(const Augmentation& augmentation, std::int64_t height, std::int64_t width,
                  SampleRandom& random);
};

// Fills the cutout of an image, float32 [channels, height, width], with 0, the mean of normalized values.
void CutOut(float* image, std::int64_t channels, std::int64_t height, std::int64_t width, std::int64_t side,
            const Drawn::Hole& hole);

}  // namespace torch_prune
