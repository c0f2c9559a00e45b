#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "../prune/splicing.h"
#include "settings.h"

namespace torch_prune {

// What a run of a trainer does: the epoch that it begins or continues, and where it stops within it.
struct Epoch {
  std::vector<std::int64_t> order;         // of samples; if it is empty, they are shuffled by `seed`
  std::uint64_t seed = 0;                  // of the order and of the augmentation
  std::vector<std::int64_t> size;          // images are made so high and wide; empty: they are as they come
  std::vector<double> rates;               // one for each step, or one for all
  std::vector<double> average_weights;     // one for each step
  std::unique_ptr<SplicingPlan> splicing;  // null if no masks change

  // Where it stops, always after an update: after so many steps, or when so many seconds have passed.
  std::int64_t most_steps = std::numeric_limits<std::int64_t>::max();
  double pause_after = std::numeric_limits<double>::infinity();

  // Reads the options of trainerRun: a table in epoch.cc says which there are.
  static Epoch Of(const Napi::Value& options, const TrainerSettings& settings);

  // The number of steps of the whole epoch; -1 if it is not known.
  std::int64_t Steps(const TrainerSettings& settings) const;
  double RateAt(std::int64_t step) const { return rates.size() == 1 ? rates[0] : rates[step]; }
  // Images of this epoch's size.
  at::Tensor Resized(const at::Tensor& images) const;

 private:
  void Check(const TrainerSettings& settings) const;
};

}  // namespace torch_prune
