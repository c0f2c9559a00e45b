#include "registry.h"

namespace torch_prune {
namespace {

class LayerNorm : public Layer {
 public:
  explicit LayerNorm(const Options& options)
      : shape_(ToShape(options.Get("normalizedShape"), "normalizedShape")), eps_(options.Number("eps")) {
    if (!options.Boolean("elementwiseAffine", true)) return;
    weight_ = register_parameter("weight", at::ones(shape_));
    if (options.Boolean("bias", true)) bias_ = register_parameter("bias", at::zeros(shape_));
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

const LayerKind kLayerNorm("layerNorm", MakeLayerOf<LayerNorm>);

}  // namespace
}  // namespace torch_prune
