#include "../ops/max_pool.h"
#include "registry.h"

namespace torch_prune {
namespace {

struct MaxPool2dOptions {
  std::array<std::int64_t, 2> kernel, stride, padding;
  bool ceil;
};
const auto kMaxPool2dFields = Fields<MaxPool2dOptions>(
    "maxPool2d", Field("kernelSize", &MaxPool2dOptions::kernel).AtLeast(1),
    Field("stride", &MaxPool2dOptions::stride).AtLeast(1),
    Field("padding", &MaxPool2dOptions::padding).AtLeast(0), Field("ceilMode", &MaxPool2dOptions::ceil));

class MaxPool2d : public Layer {
 public:
  explicit MaxPool2d(const MaxPool2dOptions& options) : options_(options) {}
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return MaxPool(inputs[0], options_.kernel, options_.stride, options_.padding, options_.ceil);
  }

 private:
  MaxPool2dOptions options_;
};

const LayerKind kMaxPool2d("maxPool2d", MakeLayerOf<MaxPool2d, kMaxPool2dFields>);

}  // namespace
}  // namespace torch_prune
