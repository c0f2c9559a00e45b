#pragma once
#include <memory>
#include <string>
#include <vector>

#include "../ops/kept_linear.h"
#include "settings.h"

namespace torch_prune {

// The layers of a training that compute with their kept weights alone. During a run, those weights and their
// moments lie apart from the network and from the optimizer, whose own are then out of date: they are brought
// back before anybody reads them.
class KeptLayers {
 public:
  // The settings must outlive it.
  explicit KeptLayers(const TrainerSettings& settings);
  KeptLayers(const KeptLayers&) = delete;
  KeptLayers& operator=(const KeptLayers&) = delete;

  // Takes the weights out, of all layers that gain by it: the first time, they are measured.
  void Take();
  // Brings them back, if they are out: the weights first, since memory for moments may be short.
  void Return();

  // What steps are to be computed with.
  const KeptLinears& layers() const { return layers_; }
  OptimizerState& optimizer() const { return taken_ ? *taken_ : *settings_.optimizer; }
  // The names of the layers, in their order.
  const std::vector<std::string>& names() const { return names_; }

 private:
  struct Candidate {
    Layer* layer;
    OptimizedParameter* weight;
    bool differentiates_input;
  };
  std::vector<Candidate> Candidates() const;
  // Which of them are computed so, by the option: unless that was said, or found out before.
  void Choose(const std::vector<Candidate>& candidates);
  c10::intrusive_ptr<KeptLinear> Make(const Candidate& candidate);
  bool IsFaster(const Candidate& candidate, const c10::intrusive_ptr<KeptLinear>& kept) const;

  const TrainerSettings& settings_;
  bool chosen_ = false;
  std::vector<std::string> names_;
  KeptLinears made_;    // what was made before: masks rarely change between runs
  KeptLinears layers_;  // whose weights are out
  std::shared_ptr<OptimizerState> taken_;
};

// Brings the weights back when a run is over, however it ends.
class TakenLayers {
 public:
  TakenLayers(KeptLayers& layers, bool take) : layers_(layers) {
    if (take) layers_.Take();
  }
  ~TakenLayers();
  TakenLayers(const TakenLayers&) = delete;
  TakenLayers& operator=(const TakenLayers&) = delete;

 private:
  KeptLayers& layers_;
};

}  // namespace torch_prune
