#include "../parameter/parametrization.h"
#include "registry.h"
#include "weighted.h"

namespace torch_prune {
namespace {

struct Conv1dOptions {
  std::int64_t in, out, kernel, stride, padding, dilation, groups;
  bool bias;
};
const auto kConv1dFields = Fields<Conv1dOptions>(
    "conv1d", Field("inChannels", &Conv1dOptions::in).AtLeast(1),
    Field("outChannels", &Conv1dOptions::out).AtLeast(1),
    Field("kernelSize", &Conv1dOptions::kernel).AtLeast(1),
    Field("stride", &Conv1dOptions::stride).AtLeast(1), Field("padding", &Conv1dOptions::padding).AtLeast(0),
    Field("dilation", &Conv1dOptions::dilation).AtLeast(1),
    Field("groups", &Conv1dOptions::groups).AtLeast(1), Field("bias", &Conv1dOptions::bias));

class Conv1d : public Weighted {
 public:
  explicit Conv1d(const Conv1dOptions& options) : options_(options) {
    Register({options.out, options.in / options.groups, options.kernel}, options.out, options.bias);
  }
  std::int64_t groups() const override { return options_.groups; }
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return at::conv1d(inputs[0], Effective(weight_), bias_, options_.stride, options_.padding,
                      options_.dilation, options_.groups);
  }

 private:
  Conv1dOptions options_;
};

const LayerKind kConv1d("conv1d", MakeLayerOf<Conv1d, kConv1dFields>);

}  // namespace
}  // namespace torch_prune
