#include "../ops/synced_norm.h"
#include "registry.h"

namespace torch_prune {
namespace {

struct BatchNorm2dOptions {
  std::int64_t features;
  double eps, momentum;
};
const auto kBatchNorm2dFields =
    Fields<BatchNorm2dOptions>("batchNorm2d", Field("features", &BatchNorm2dOptions::features).AtLeast(1),
                               Field("eps", &BatchNorm2dOptions::eps).AtLeast(0),
                               Field("momentum", &BatchNorm2dOptions::momentum).Within(0, 1));

class BatchNorm2d : public Layer {
 public:
  explicit BatchNorm2d(const BatchNorm2dOptions& options) : eps_(options.eps), momentum_(options.momentum) {
    const auto features = options.features;
    weight_ = Parameter("weight", at::ones({features}));
    bias_ = Parameter("bias", at::zeros({features}));
    running_mean_ = Buffer("running_mean", at::zeros({features}));
    running_var_ = Buffer("running_var", at::ones({features}));
    batches_ = Buffer("num_batches_tracked", at::zeros({}, at::kLong));
  }
  bool OutputMayBeOverwritten() const override { return true; }
  std::optional<double> StatisticsMomentum() const override { return momentum_; }
  void SetStatisticsMomentum(double momentum) override { momentum_ = momentum; }
  void RestartStatistics() override { batches_.zero_(); }
  Lowering Lower() const override {
    const at::Tensor scale = weight_ / (running_var_ + eps_).sqrt();
    return ChannelAffine{scale, bias_ - running_mean_ * scale};
  }
  at::Tensor Forward(const std::vector<at::Tensor>& inputs, ForwardContext& context) override {
    if (context.training) {
      const bool synced = SyncNorms::Current() != nullptr;
      // As in PyTorch: the variance of one value would leave NaN in the running statistics.
      if (!synced && inputs[0].numel() <= inputs[0].size(1)) {
        throw Error("ERR_SHAPE", "batch normalization trains on more than one value a channel, got " +
                                     c10::str(inputs[0].sizes()) + ": use larger batches");
      }
      batches_.add_(1);
      if (synced) return SyncedNorm(inputs[0], weight_, bias_, running_mean_, running_var_, momentum_, eps_);
    }
    return at::batch_norm(inputs[0], weight_, bias_, running_mean_, running_var_, context.training, momentum_,
                          eps_, at::globalContext().userEnabledCuDNN());
  }

 private:
  double eps_;
  double momentum_;
  at::Tensor weight_, bias_, running_mean_, running_var_, batches_;
};

const LayerKind kBatchNorm2d("batchNorm2d", MakeLayerOf<BatchNorm2d, kBatchNorm2dFields>);

}  // namespace
}  // namespace torch_prune
