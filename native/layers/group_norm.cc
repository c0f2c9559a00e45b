#include "registry.h"

namespace torch_prune {
namespace {

struct GroupNormOptions {
  std::int64_t groups, channels;
  double eps;
  bool affine;
};
const auto kGroupNormFields = Fields<GroupNormOptions>(
    "groupNorm", Field("numGroups", &GroupNormOptions::groups).AtLeast(1),
    Field("numChannels", &GroupNormOptions::channels).AtLeast(1),
    Field("eps", &GroupNormOptions::eps).AtLeast(0), Field("affine", &GroupNormOptions::affine));

class GroupNorm : public Layer {
 public:
  explicit GroupNorm(const GroupNormOptions& options) : groups_(options.groups), eps_(options.eps) {
    if (!options.affine) return;
    weight_ = Parameter("weight", at::ones({options.channels}));
    bias_ = Parameter("bias", at::zeros({options.channels}));
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

const LayerKind kGroupNorm("groupNorm", MakeLayerOf<GroupNorm, kGroupNormFields>);

}  // namespace
}  // namespace torch_prune
