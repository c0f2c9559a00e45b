#include "registry.h"

namespace torch_prune {
namespace {

class GroupNorm : public Layer {
 public:
  explicit GroupNorm(const Options& options)
      : groups_(options.Integer("numGroups")), eps_(options.Number("eps")) {
    const auto channels = options.Integer("numChannels");
    if (groups_ < 1 || channels < 1)
      throw Error("ERR_ARGUMENT", "groupNorm takes 1 group or more of channels");
    if (!options.Boolean("affine", true)) return;
    weight_ = register_parameter("weight", at::ones({channels}));
    bias_ = register_parameter("bias", at::zeros({channels}));
  }
  bool OutputMayBeOverwritten() const override { return true; }
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return at::group_norm(inputs[0], groups_, weight_, bias_, eps_, at::globalContext().userEnabledCuDNN());
  }

 private:
  std::int64_t groups_;  // of statistics: the weight is one for each channel
  double eps_;
  at::Tensor weight_, bias_;
};

const LayerKind kGroupNorm("groupNorm", MakeLayerOf<GroupNorm>);

}  // namespace
}  // namespace torch_prune
