#include "../parameter/parametrisation.h"
#include "registry.h"
#include "weighted.h"

namespace torch_prune {
namespace {

class Conv1d : public Weighted {
 public:
  explicit Conv1d(const Options& options)
      : stride_(options.Integer("stride")),
        padding_(options.Integer("padding")),
        dilation_(options.Integer("dilation")),
        groups_(ToGroups(options)) {
    const auto out = options.Integer("outChannels");
    Register({out, options.Integer("inChannels") / groups_, options.Integer("kernelSize")}, out,
             options.Boolean("bias", true));
  }
  std::int64_t groups() const override { return groups_; }
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return at::conv1d(inputs[0], Effective(weight_), bias_, stride_, padding_, dilation_, groups_);
  }

 private:
  std::int64_t stride_, padding_, dilation_, groups_;
};

const LayerKind kConv1d("conv1d", MakeLayerOf<Conv1d>);

}  // namespace
}  // namespace torch_prune
