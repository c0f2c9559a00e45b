#pragma once
#include <cstdint>

#include "panel_rows.h"

namespace torch_prune {

// The gradients behind a product of PanelRows whose inputs lie as [columns, width], the outputs and their
// gradient as [rows, width]. `width` is a multiple of kPanelStep, or 8.
struct PanelGradients {
  const float* x;
  const float* gradient;  // of the outputs
  std::int64_t width;
  bool adds;        // to the gradient of the weights, instead of taking its place
  float* of_value;  // by weight: of those that are kept, and no others
  float* of_x;      // [columns, width], to which it adds; null where nobody needs it
};

// For the blocks from `first` up to `last`, which share neither weights nor inputs with the others.
void AddGradients(const PanelRows& weight, std::int64_t first, std::int64_t last,
                  const PanelGradients& gradients, Isa isa);

}  // namespace torch_prune
