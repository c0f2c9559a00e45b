#include "registry.h"

namespace torch_prune {
namespace {

struct LayerNormOptions {
  std::vector<std::int64_t> shape;
  double eps;
  bool affine, bias;
};
const auto kLayerNormFields = Fields<LayerNormOptions>(
    "layerNorm", Field("normalizedShape", &LayerNormOptions::shape, kShape),
    Field("eps", &LayerNormOptions::eps).AtLeast(0), Field("elementwiseAffine", &LayerNormOptions::affine),
    Field("bias", &LayerNormOptions::bias));

class LayerNorm : public Layer {
 public:
  explicit LayerNorm(const LayerNormOptions& options) : shape_(options.shape), eps_(options.eps) {
    if (!options.affine) return;
    weight_ = Parameter("weight", at::ones(shape_));
    if (options.bias) bias_ = Parameter("bias", at::zeros(shape_));
  }
  bool OutputMayBeOverwritten() const override { return true; }
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return at::layer_norm(inputs[0], shape_, weight_, bias_, eps_);
  }

 private:
  std::vector<std::int64_t> shape_;
  double eps_;
  at::Tensor weight_, bias_;
};

const LayerKind kLayerNorm("layerNorm", MakeLayerOf<LayerNorm, kLayerNormFields>);

}  // namespace
}  // namespace torch_prune
