#pragma once
#include "sweep.h"

namespace torch_prune {

// Batch normalization's running statistics become the means over the batches of a sweep of those of each (as
// torch.optim.swa_utils.update_bn has it). Frozen layers keep theirs.
Slices RestateStatistics(Sweep& sweep, Job& job);

}  // namespace torch_prune
