#include "registry.h"

namespace torch_prune {
namespace {

enum class Interpolation { kNearest, kBilinear };

}  // namespace

template <>
struct WordsOf<Interpolation> {
  static constexpr std::array kWords{Word{"nearest", Interpolation::kNearest},
                                     Word{"bilinear", Interpolation::kBilinear}};
};

namespace {

// Either the size or the scales are given.
struct UpsampleOptions {
  std::optional<std::vector<std::int64_t>> size;
  std::optional<std::vector<double>> scales;
  Interpolation mode;
  bool align_corners;
};
const auto kUpsampleFields = Fields<UpsampleOptions>(
    "upsample", Field("size", &UpsampleOptions::size).AtLeast(1),
    Field("scaleFactor", &UpsampleOptions::scales).Over(0), Field("mode", &UpsampleOptions::mode),
    Field("alignCorners", &UpsampleOptions::align_corners));

class Upsample : public Layer {
 public:
  explicit Upsample(const UpsampleOptions& options) : options_(options) {}
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    const auto& [to, by, mode, align_corners] = options_;
    const auto size = to ? at::OptionalIntArrayRef(*to) : std::nullopt;
    const auto scales = by ? std::optional<at::ArrayRef<double>>(*by) : std::nullopt;
    if (mode == Interpolation::kBilinear)
      return at::upsample_bilinear2d(inputs[0], size, align_corners, scales);
    return at::upsample_nearest2d(inputs[0], size, scales);
  }

 private:
  UpsampleOptions options_;
};

const LayerKind kUpsample("upsample", MakeLayerOf<Upsample, kUpsampleFields>);

}  // namespace
}  // namespace torch_prune
