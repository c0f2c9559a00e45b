#include "../ops/max_pool.h"
#include "registry.h"

namespace torch_prune {
namespace {

class MaxPool2d : public Layer {
 public:
  explicit MaxPool2d(const Options& options)
      : kernel_(ToIntegers(options.Get("kernelSize"), "kernelSize")),
        stride_(ToIntegers(options.Get("stride"), "stride")),
        padding_(ToIntegers(options.Get("padding"), "padding")),
        ceil_(options.Boolean("ceilMode", false)) {}
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return MaxPool(inputs[0], kernel_, stride_, padding_, ceil_);
  }

 private:
  std::vector<std::int64_t> kernel_, stride_, padding_;
  bool ceil_;
};

const LayerKind kMaxPool2d("maxPool2d", MakeLayerOf<MaxPool2d>);

}  // namespace
}  // namespace torch_prune
