#include "registry.h"

namespace torch_prune {
namespace {

class AdaptiveAvgPool2d : public Layer {
 public:
  explicit AdaptiveAvgPool2d(const Options& options)
      : size_(ToIntegers(options.Get("outputSize"), "outputSize")) {}
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return at::adaptive_avg_pool2d(inputs[0], size_);
  }

 private:
  std::vector<std::int64_t> size_;
};

const LayerKind kAdaptiveAvgPool2d("adaptiveAvgPool2d", MakeLayerOf<AdaptiveAvgPool2d>);

}  // namespace
}  // namespace torch_prune
