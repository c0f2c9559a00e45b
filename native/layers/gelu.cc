#include "registry.h"

namespace torch_prune {
namespace {

class Gelu : public Layer {
 public:
  explicit Gelu(const Options& options) : approximate_(options.String("approximate")) {
    if (approximate_ != "none" && approximate_ != "tanh")
      throw Error("ERR_ARGUMENT", "approximate must be none or tanh, got " + approximate_);
  }
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return at::gelu(inputs[0], approximate_);
  }

 private:
  std::string approximate_;
};

const LayerKind kGelu("gelu", MakeLayerOf<Gelu>);

}  // namespace
}  // namespace torch_prune
