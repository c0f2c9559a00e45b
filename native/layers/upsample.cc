#include "registry.h"

namespace torch_prune {
namespace {

class Upsample : public Layer {
 public:
  explicit Upsample(const Options& options)
      : bilinear_(options.String("mode") == "bilinear"),
        align_corners_(options.Boolean("alignCorners", false)) {
    if (options.Has("size"))
      size_ = ToShape(options.Get("size"), "size");
    else
      scales_ = ToNumbers(options.Get("scaleFactor"), "scaleFactor");
  }
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    const auto size = size_ ? at::OptionalIntArrayRef(*size_) : std::nullopt;
    const auto scales =
        scales_ ? std::optional<at::ArrayRef<double>>(*scales_) : std::optional<at::ArrayRef<double>>();
    if (bilinear_) return at::upsample_bilinear2d(inputs[0], size, align_corners_, scales);
    return at::upsample_nearest2d(inputs[0], size, scales);
  }

 private:
  bool bilinear_, align_corners_;
  std::optional<std::vector<std::int64_t>> size_;  // one of the two
  std::optional<std::vector<double>> scales_;
};

const LayerKind kUpsample("upsample", MakeLayerOf<Upsample>);

}  // namespace
}  // namespace torch_prune
