#include "../parameter/parametrisation.h"
#include "registry.h"
#include "weighted.h"

namespace torch_prune {
namespace {

class Conv2d : public Weighted {
 public:
  explicit Conv2d(const Options& options)
      : stride_(ToIntegers(options.Get("stride"), "stride")),
        padding_(ToIntegers(options.Get("padding"), "padding")),
        dilation_(ToIntegers(options.Get("dilation"), "dilation")),
        groups_(ToGroups(options)) {
    const auto kernel = ToIntegers(options.Get("kernelSize"), "kernelSize");
    const auto out = options.Integer("outChannels");
    Register({out, options.Integer("inChannels") / groups_, kernel.at(0), kernel.at(1)}, out,
             options.Boolean("bias", true));
  }
  std::int64_t groups() const override { return groups_; }
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return at::conv2d(inputs[0], Effective(weight_), bias_, stride_, padding_, dilation_, groups_);
  }

 private:
  std::vector<std::int64_t> stride_, padding_, dilation_;
  std::int64_t groups_;
};

const LayerKind kConv2d("conv2d", MakeLayerOf<Conv2d>);

}  // namespace
}  // namespace torch_prune
