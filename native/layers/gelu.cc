#include "registry.h"

namespace torch_prune {
namespace {

enum class GeluApproximate { kNone, kTanh };

}  // namespace

template <>
struct WordsOf<GeluApproximate> {
  static constexpr std::array kWords{Word{"none", GeluApproximate::kNone},
                                     Word{"tanh", GeluApproximate::kTanh}};
};

namespace {

struct GeluOptions {
  GeluApproximate approximate;
};
const auto kGeluFields = Fields<GeluOptions>("gelu", Field("approximate", &GeluOptions::approximate));

class Gelu : public Layer {
 public:
  explicit Gelu(const GeluOptions& options)
      : approximate_(options.approximate == GeluApproximate::kTanh ? "tanh" : "none") {}
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    return at::gelu(inputs[0], approximate_);
  }

 private:
  std::string approximate_;
};

const LayerKind kGelu("gelu", MakeLayerOf<Gelu, kGeluFields>);

}  // namespace
}  // namespace torch_prune
