#include "augment.h"

#include <algorithm>

#include "../base/fields.h"

namespace torch_prune {
namespace {

constexpr Range kPixels{.least = 0, .most = 4096};
constexpr Range kFactors{.most = 1e6, .over = 0};

const auto kCropFields = Fields<Augmentation::Crop>(
    "crop", Field("padding", &Augmentation::Crop::padding).With(kPixels).Optional());
const auto kResizedCropFields = Fields<Augmentation::ResizedCrop>(
    "resizedCrop", Field("scale", &Augmentation::ResizedCrop::scale).With(kFactors),
    Field("ratio", &Augmentation::ResizedCrop::ratio).With(kFactors));
const auto kAugmentFields =
    Fields<Augmentation>("augment", Field("crop", &Augmentation::crop, kCropFields),
                         Field("resizedCrop", &Augmentation::resized_crop, kResizedCropFields),
                         Field("flip", &Augmentation::flip).Optional(),
                         Field("cutout", &Augmentation::cutout).With(kPixels).Optional());

void CheckRising(const std::array<double, 2>& range, const char* what) {
  if (range[0] <= range[1]) return;
  throw Error("ERR_ARGUMENT", std::string(what) + " must be two numbers, the smaller one first");
}

}  // namespace

Augmentation Augmentation::Of(const Napi::Value& value) {
  if (value.IsUndefined() || value.IsNull()) return {};
  auto augmentation = kAugmentFields.Read(Given::Inside(value, "augment"));
  if (const auto& crop = augmentation.resized_crop) {
    CheckRising(crop->scale, "augment.resizedCrop.scale");
    CheckRising(crop->ratio, "augment.resizedCrop.ratio");
    if (augmentation.crop)
      throw Error("ERR_ARGUMENT", "augment has both crop and resizedCrop: choose one of them");
  }
  return augmentation;
}

Drawn::Hole Drawn::Hole::Of(std::int64_t height, std::int64_t width, SampleRandom& random) {
  Hole hole;
  hole.y = random.Below(height);
  hole.x = random.Below(width);
  return hole;
}

Drawn Drawn::Of(const Augmentation& augmentation, std::int64_t height, std::int64_t width,
                SampleRandom& random) {
  Drawn drawn;
  if (augmentation.crop) {
    const auto padding = augmentation.crop->padding;
    drawn.dy = random.Below(2 * padding + 1) - padding;
    drawn.dx = random.Below(2 * padding + 1) - padding;
  }
  drawn.flip = augmentation.flip && random.Coin();
  if (augmentation.cutout > 0) drawn.hole = Hole::Of(height, width, random);
  return drawn;
}

void CutOut(float* image, std::int64_t channels, std::int64_t height, std::int64_t width, std::int64_t side,
            const Drawn::Hole& hole) {
  const std::int64_t top = hole.y - side / 2, left = hole.x - side / 2;
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
