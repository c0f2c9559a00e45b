#include <ATen/ATen.h>

#include "selection.h"

namespace torch_prune {
namespace {

struct ThresholdOptions {
  std::vector<double> thresholds;
  std::optional<DeviationOf> of;
};
const auto kThresholdFields = Fields<ThresholdOptions>(
    "threshold", Field("thresholds", &ThresholdOptions::thresholds), Field("of", &ThresholdOptions::of));

class Threshold : public Selection {
 public:
  Threshold(std::vector<double> thresholds, std::optional<DeviationOf> of)
      : thresholds_(std::move(thresholds)), of_(of) {}

  void Choose(std::vector<Scored>& layers) const override {
    for (std::size_t i = 0; i < layers.size(); ++i) {
      Scored& layer = layers[i];
      Candidates candidates = layer.Weights();
      ChooseFrom(candidates, of_ ? thresholds_[i] * layer.Deviation(*of_) : thresholds_[i]);
      layer.keep = candidates.chosen;
    }
  }

 private:
  std::vector<double> thresholds_;
  std::optional<DeviationOf> of_;
};

}  // namespace

std::unique_ptr<Selection> ToThreshold(const Given& given, std::size_t layers) {
  auto [thresholds, of] = kThresholdFields.Read(given);
  if (thresholds.size() != layers) throw Error("ERR_ARGUMENT", "thresholds must hold one number per layer");
  return std::make_unique<Threshold>(std::move(thresholds), of);
}

}  // namespace torch_prune
