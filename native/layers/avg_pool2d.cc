#include "registry.h"

namespace torch_prune {
namespace {

struct AvgPool2dOptions {
  std::array<std::int64_t, 2> kernel, stride, padding;
};
const auto kAvgPool2dFields =
    Fields<AvgPool2dOptions>("avgPool2d", Field("kernelSize", &AvgPool2dOptions::kernel).AtLeast(1),
                             Field("stride", &AvgPool2dOptions::stride).AtLeast(1),
                             Field("padding", &AvgPool2dOptions::padding).AtLeast(0));

class AvgPool2d : public Layer {
 public:
  explicit AvgPool2d(const AvgPool2dOptions& options) : options_(options) {}
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return at::avg_pool2d(inputs[0], options_.kernel, options_.stride, options_.padding);
  }

 private:
  AvgPool2dOptions options_;
};

const LayerKind kAvgPool2d("avgPool2d", MakeLayerOf<AvgPool2d, kAvgPool2dFields>);

}  // namespace
}  // namespace torch_prune
