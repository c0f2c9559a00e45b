#include "registry.h"

namespace torch_prune {
namespace {

class AvgPool2d : public Layer {
 public:
  explicit AvgPool2d(const Options& options)
      : kernel_(ToIntegers(options.Get("kernelSize"), "kernelSize")),
        stride_(ToIntegers(options.Get("stride"), "stride")),
        padding_(ToIntegers(options.Get("padding"), "padding")) {}
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return at::avg_pool2d(inputs[0], kernel_, stride_, padding_);
  }

 private:
  std::vector<std::int64_t> kernel_, stride_, padding_;
};

const LayerKind kAvgPool2d("avgPool2d", MakeLayerOf<AvgPool2d>);

}  // namespace
}  // namespace torch_prune
