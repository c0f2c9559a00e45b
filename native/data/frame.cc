#include "frame.h"

#include <algorithm>
#include <cmath>

namespace torch_prune {
namespace {

// Python's round(): halves are rounded to the even neighbor.
std::int64_t RoundEven(double value) {
  return static_cast<std::int64_t>(std::nearbyint(value));
}

// torchvision's RandomResizedCrop.get_params.
Frame RandomResizedCrop(const Extent& picture, const Augmentation::ResizedCrop& crop, SampleRandom& random) {
  Frame frame;
  const double area = static_cast<double>(picture.width) * static_cast<double>(picture.height);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double target = area * random.Uniform(crop.scale[0], crop.scale[1]);
    const double ratio = std::exp(random.Uniform(std::log(crop.ratio[0]), std::log(crop.ratio[1])));
    const std::int64_t width = RoundEven(std::sqrt(target * ratio));
    const std::int64_t height = RoundEven(std::sqrt(target / ratio));
    if (width > 0 && width <= picture.width && height > 0 && height <= picture.height) {
      frame.top = random.Below(picture.height - height + 1);
      frame.left = random.Below(picture.width - width + 1);
      frame.box = {width, height};
      return frame;
    }
  }
  // Uses the largest centered box with an allowed shape.
  const double shape = static_cast<double>(picture.width) / static_cast<double>(picture.height);
  frame.box = picture;
  if (shape < crop.ratio[0]) {
    frame.box.height = RoundEven(static_cast<double>(picture.width) / crop.ratio[0]);
  } else if (shape > crop.ratio[1]) {
    frame.box.width = RoundEven(static_cast<double>(picture.height) * crop.ratio[1]);
  }
  frame.box.width = std::clamp<std::int64_t>(frame.box.width, 1, picture.width);
  frame.box.height = std::clamp<std::int64_t>(frame.box.height, 1, picture.height);
  frame.top = (picture.height - frame.box.height) / 2;
  frame.left = (picture.width - frame.box.width) / 2;
  return frame;
}

}  // namespace

Extent Framing::Resized(const Extent& picture, std::int64_t shorter) {
  const auto [small, large] = std::minmax(picture.width, picture.height);
  const auto longer = std::max<std::int64_t>(
      1, static_cast<std::int64_t>(static_cast<double>(shorter * large) / static_cast<double>(small)));
  return picture.width <= picture.height ? Extent{shorter, longer} : Extent{longer, shorter};
}

Frame Framing::Center(const Extent& picture) const {
  Frame frame;
  frame.box = picture;
  frame.grid = Resized(picture, resize);
  frame.window = {size, size};
  frame.x = RoundEven(static_cast<double>(frame.grid.width - size) / 2);
  frame.y = RoundEven(static_cast<double>(frame.grid.height - size) / 2);
  return frame;
}

Frame Framing::Draw(const Extent& picture, const Augmentation& augmentation, SampleRandom& random) const {
  if (augmentation.resized_crop) {
    Frame frame = RandomResizedCrop(picture, *augmentation.resized_crop, random);
    frame.grid = frame.window = {size, size};
    return frame;
  }
  Frame frame = Center(picture);
  if (augmentation.crop) {
    frame.x = random.Below(frame.grid.width - size + 1);
    frame.y = random.Below(frame.grid.height - size + 1);
  }
  return frame;
}

}  // namespace torch_prune
