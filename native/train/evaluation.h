#pragma once
#include <memory>
#include <vector>

#include "../data/dataset.h"
#include "../network/autocast.h"
#include "../network/network.h"
#include "loss.h"
#include "metrics.h"

namespace torch_prune {

// What a loss and its metrics say of a network over a whole dataset, in evaluation mode.
struct Evaluation {
  std::shared_ptr<Network> network;
  std::shared_ptr<Dataset> dataset;
  std::int64_t batch_size = 0;
  bool activations = false;
  AutocastTo autocast = AutocastTo::kNone;
  std::shared_ptr<const Loss> loss;

  Sum loss_sum;
  double loss_count = 0, samples = 0;
  std::unique_ptr<Metrics> metrics;
  double input_density = 0;
  std::vector<double> densities;  // share of each layer's outputs that are not zero
  bool cancelled = false;

  Slices Run(Job& job);

 private:
  void Add(const Dataset::Batch& batch, const Network::Observer& observe);
};

}  // namespace torch_prune
