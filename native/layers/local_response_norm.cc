#include "registry.h"

namespace torch_prune {
namespace {

struct LocalResponseNormOptions {
  std::int64_t size;
  double alpha, beta, k;
};
const auto kLocalResponseNormFields = Fields<LocalResponseNormOptions>(
    "localResponseNorm", Field("size", &LocalResponseNormOptions::size).AtLeast(1),
    Field("alpha", &LocalResponseNormOptions::alpha), Field("beta", &LocalResponseNormOptions::beta),
    Field("k", &LocalResponseNormOptions::k));

class LocalResponseNorm : public Layer {
 public:
  explicit LocalResponseNorm(const LocalResponseNormOptions& options)
      : size_(options.size), alpha_(options.alpha), beta_(options.beta), k_(options.k) {}
  // torch.nn.functional.local_response_norm, step by step: the mean runs along channels as along depth.
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext&) override {
    const at::Tensor& input = inputs[0];
    const auto squares =
        at::constant_pad_nd(input.mul(input).unsqueeze(1), {0, 0, 0, 0, size_ / 2, (size_ - 1) / 2});
    const auto mean = at::avg_pool3d(squares, {size_, 1, 1}, /*stride=*/1).squeeze(1);
    return input / mean.mul(alpha_).add(k_).pow(beta_);
  }

 private:
  std::int64_t size_;
  double alpha_, beta_, k_;
};

const LayerKind kLocalResponseNorm("localResponseNorm",
                                   MakeLayerOf<LocalResponseNorm, kLocalResponseNormFields>);

}  // namespace
}  // namespace torch_prune
