#include "running_statistics.h"

#include <utility>

namespace torch_prune {
namespace {

// The layers that train with running statistics; their momentum comes back when this goes.
class Momentums {
 public:
  explicit Momentums(const Network& network) {
    for (const auto& layer : network.layers()) {
      const auto momentum = layer->StatisticsMomentum();
      if (momentum && layer->trainable) layers_.emplace_back(layer, *momentum);
    }
  }
  ~Momentums() {
    for (auto& [layer, momentum] : layers_) layer->SetStatisticsMomentum(momentum);
  }
  Momentums(const Momentums&) = delete;
  Momentums& operator=(const Momentums&) = delete;

  bool empty() const { return layers_.empty(); }
  void Set(double momentum) {
    for (auto& [layer, before] : layers_) layer->SetStatisticsMomentum(momentum);
  }
  void Restart() {
    for (auto& [layer, before] : layers_) layer->RestartStatistics();
  }

 private:
  std::vector<std::pair<std::shared_ptr<Layer>, double>> layers_;
};

}  // namespace

Slices RestateStatistics(Sweep& sweep, Job& job) {
  Momentums momentums(*sweep.network);
  if (momentums.empty()) co_return;
  momentums.Restart();
  double batches = 0;
  auto work = sweep.Run(job, [&](const at::Tensor& images) {
    // The first batch has the weight 1, so what was there before does not count.
    momentums.Set(1 / ++batches);
    return sweep.network->Forward(images, /*training=*/true);
  });
  while (work.Next()) co_await kHandOver;
}

}  // namespace torch_prune
