#include "../parameter/parametrization.h"
#include "registry.h"
#include "weighted.h"

namespace torch_prune {
namespace {

struct ConvTranspose2dOptions {
  std::int64_t in, out;
  std::array<std::int64_t, 2> kernel, stride, padding, output_padding, dilation;
  std::int64_t groups;
  bool bias;
};
const auto kConvTranspose2dFields = Fields<ConvTranspose2dOptions>(
    "convTranspose2d", Field("inChannels", &ConvTranspose2dOptions::in).AtLeast(1),
    Field("outChannels", &ConvTranspose2dOptions::out).AtLeast(1),
    Field("kernelSize", &ConvTranspose2dOptions::kernel).AtLeast(1),
    Field("stride", &ConvTranspose2dOptions::stride).AtLeast(1),
    Field("padding", &ConvTranspose2dOptions::padding).AtLeast(0),
    Field("outputPadding", &ConvTranspose2dOptions::output_padding).AtLeast(0),
    Field("dilation", &ConvTranspose2dOptions::dilation).AtLeast(1),
    Field("groups", &ConvTranspose2dOptions::groups).AtLeast(1),
    Field("bias", &ConvTranspose2dOptions::bias));

class ConvTranspose2d : public Weighted {
 public:
  explicit ConvTranspose2d(const ConvTranspose2dOptions& options) : options_(options) {
    const auto [height, width] = options.kernel;
    Register({options.in, options.out / options.groups, height, width}, options.out, options.bias);
  }
  std::int64_t groups() const override { return options_.groups; }
  bool InputsFirst() const override { return true; }
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return at::conv_transpose2d(inputs[0], Effective(weight_), bias_, options_.stride, options_.padding,
                                options_.output_padding, options_.groups, options_.dilation);
  }

 private:
  ConvTranspose2dOptions options_;
};

const LayerKind kConvTranspose2d("convTranspose2d", MakeLayerOf<ConvTranspose2d, kConvTranspose2dFields>);

}  // namespace
}  // namespace torch_prune
