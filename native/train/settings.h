#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../data/dataset.h"
#include "../network/autocast.h"
#include "../network/network.h"
#include "../optim/clip.h"
#include "../optim/optimizer.h"
#include "averages.h"
#include "distillation.h"
#include "loss.h"
#include "process_group.h"

namespace torch_prune {

// Whether layers compute with their kept weights alone: none, all that can, or those that are faster so.
enum class Sparse { kOff, kOn, kAuto };
template <>
struct WordsOf<Sparse> {
  static constexpr std::array kWords{Word{"off", Sparse::kOff}, Word{"on", Sparse::kOn},
                                     Word{"auto", Sparse::kAuto}};
};

// What stands still from a training's first step to its last.
struct TrainerSettings {
  std::shared_ptr<Network> network;
  std::shared_ptr<OptimizerState> optimizer;
  std::shared_ptr<Dataset> dataset;
  std::shared_ptr<const Loss> loss;
  std::int64_t batch_size = 1;
  bool drop_last = false;       // leaves out a last batch that is not full
  bool sync_norms = false;      // batch normalizations go over the batches of all processes
  std::int64_t accumulate = 1;  // batches whose gradients make one step of the optimizer
  GradientClip clip;
  AutocastTo autocast = AutocastTo::kNone;
  Augmentation augmentation;
  int after = -1;  // the dataset holds what this layer puts out (prefixStart)
  Distillation distillation;
  Averages averages;
  bool keep_losses = false;
  bool capture = true;  // steps on a GPU are recorded where they can be
  Sparse sparse = Sparse::kOff;
  std::optional<std::vector<std::string>> sparse_layers;  // those that kAuto chose before
  std::shared_ptr<ProcessGroup> group = std::make_shared<SingleProcess>();

  // Reads the options of trainerMake.
  static TrainerSettings Of(const Napi::CallbackInfo& info);

 private:
  void CheckGroup() const;
};

}  // namespace torch_prune
