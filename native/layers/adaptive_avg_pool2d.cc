#include "registry.h"

namespace torch_prune {
namespace {

struct AdaptiveAvgPool2dOptions {
  std::array<std::int64_t, 2> size;
};
const auto kAdaptiveAvgPool2dFields = Fields<AdaptiveAvgPool2dOptions>(
    "adaptiveAvgPool2d", Field("outputSize", &AdaptiveAvgPool2dOptions::size).AtLeast(1));

class AdaptiveAvgPool2d : public Layer {
 public:
  explicit AdaptiveAvgPool2d(const AdaptiveAvgPool2dOptions& options) : size_(options.size) {}
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return at::adaptive_avg_pool2d(inputs[0], size_);
  }

 private:
  std::array<std::int64_t, 2> size_;
};

const LayerKind kAdaptiveAvgPool2d("adaptiveAvgPool2d",
                                   MakeLayerOf<AdaptiveAvgPool2d, kAdaptiveAvgPool2dFields>);

}  // namespace
}  // namespace torch_prune
