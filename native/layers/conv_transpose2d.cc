#include "../parameter/parametrisation.h"
#include "registry.h"
#include "weighted.h"

namespace torch_prune {
namespace {

class ConvTranspose2d : public Weighted {
 public:
  explicit ConvTranspose2d(const Options& options)
      : stride_(ToIntegers(options.Get("stride"), "stride")),
        padding_(ToIntegers(options.Get("padding"), "padding")),
        output_padding_(ToIntegers(options.Get("outputPadding"), "outputPadding")),
        dilation_(ToIntegers(options.Get("dilation"), "dilation")),
        groups_(ToGroups(options)) {
    const auto kernel = ToIntegers(options.Get("kernelSize"), "kernelSize");
    const auto out = options.Integer("outChannels");
    Register({options.Integer("inChannels"), out / groups_, kernel.at(0), kernel.at(1)}, out,
             options.Boolean("bias", true));
  }
  std::int64_t groups() const override { return groups_; }
  bool InputsFirst() const override { return true; }
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return at::conv_transpose2d(inputs[0], Effective(weight_), bias_, stride_, padding_, output_padding_,
                                groups_, dilation_);
  }

 private:
  std::vector<std::int64_t> stride_, padding_, output_padding_, dilation_;
  std::int64_t groups_;
};

const LayerKind kConvTranspose2d("convTranspose2d", MakeLayerOf<ConvTranspose2d>);

}  // namespace
}  // namespace torch_prune
