#include "../parameter/parametrization.h"
#include "registry.h"
#include "weighted.h"

namespace torch_prune {
namespace {

struct Conv2dOptions {
  std::int64_t in, out;
  std::array<std::int64_t, 2> kernel, stride, padding, dilation;
  std::int64_t groups;
  bool bias;
};
const auto kConv2dFields = Fields<Conv2dOptions>(
    "conv2d", Field("inChannels", &Conv2dOptions::in).AtLeast(1),
    Field("outChannels", &Conv2dOptions::out).AtLeast(1),
    Field("kernelSize", &Conv2dOptions::kernel).AtLeast(1),
    Field("stride", &Conv2dOptions::stride).AtLeast(1), Field("padding", &Conv2dOptions::padding).AtLeast(0),
    Field("dilation", &Conv2dOptions::dilation).AtLeast(1),
    Field("groups", &Conv2dOptions::groups).AtLeast(1), Field("bias", &Conv2dOptions::bias));

class Conv2d : public Weighted {
 public:
  explicit Conv2d(const Conv2dOptions& options) : options_(options) {
    const auto [height, width] = options.kernel;
    Register({options.out, options.in / options.groups, height, width}, options.out, options.bias);
  }
  std::int64_t groups() const override { return options_.groups; }
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return at::conv2d(inputs[0], Effective(weight_), bias_, options_.stride, options_.padding,
                      options_.dilation, options_.groups);
  }
  Lowering Lower() const override {
    const Window window{options_.stride, options_.padding, options_.dilation, options_.groups};
    return Product{Effective(weight_), bias_, window};
  }

 private:
  Conv2dOptions options_;
};

const LayerKind kConv2d("conv2d", MakeLayerOf<Conv2d, kConv2dFields>);

}  // namespace
}  // namespace torch_prune
