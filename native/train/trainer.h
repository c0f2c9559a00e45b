#pragma once
#include <ATen/core/Tensor.h>

#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "../base/handle.h"
#include "../device/run_ahead.h"
#include "breakdown.h"
#include "epoch.h"
#include "gradient_exchange.h"
#include "kept_layers.h"
#include "loss_scale.h"
#include "process_group.h"
#include "runner.h"
#include "settings.h"
#include "tally.h"

namespace torch_prune {

// A training in progress. It holds what the training is over from the first step to the last, and where it
// stands: a run continues the epoch that it is in, or begins the next one where that is over.
class Trainer {
 public:
  static constexpr std::uint64_t kTag = 10;
  static constexpr const char* kName = "trainer";

  // Where it stands within an epoch: the steps that are done, and what they came to.
  struct Position {
    std::int64_t steps = 0;
    Totals totals = {};
    bool over = false;  // whether the epoch is
  };
  // What happened in a run. `first_loss` and the three after it are of the whole training, in which they may
  // explain a breakdown.
  struct Report {
    bool cancelled = false;
    std::vector<float> losses;  // of each step, if they are kept
    std::optional<Breakdown> broken;
    double first_loss = NAN, last_loss = NAN;  // of the first step, and of the last one with a finite loss
    double worst_loss = 0;                     // the largest loss past all reason
    double largest_sample = 0;                 // the largest magnitude in the samples of steps that set it
  };

  explicit Trainer(TrainerSettings settings);
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  const TrainerSettings& settings() const { return settings_; }
  const Position& position() const { return position_; }
  const Report& report() const { return report_; }
  const Runner& runner() const { return *runner_; }
  const KeptLayers& kept() const { return kept_; }
  const LossScale& loss_scale() const { return loss_scale_; }
  // Continues from a position, which must be within an epoch, with the scale that the loss has or had there.
  void Load(const Position& position, const std::optional<LossScale::State>& scale);

  // Throws if a run over this epoch cannot begin.
  void Check(const Epoch& epoch) const;
  // What a run uses besides the network.
  Use Uses() const;
  // Runs until the epoch is over, or until it says to stop. The position changes at the end.
  Slices Run(Job& job, Epoch& epoch);

  // Ends the run in progress, or the next one, after its step; from any thread.
  void Pause() { pause_ = true; }

  // The job of the latest run: while it has its claim, position and report belong to it. Main thread only.
  std::weak_ptr<Job> running;

 private:
  std::unique_ptr<Dataset::Pass> Begin(Epoch& epoch);
  std::vector<std::int64_t> OwnPart(const std::vector<std::int64_t>& order) const;
  bool Ends();
  void Step(const Dataset::Batch& batch, const Epoch& epoch);
  void Gather(const Dataset::Batch& batch, const Epoch& epoch);
  void Update(const Epoch& epoch);
  void NoteLoss(const at::Tensor& loss, const at::Tensor& images);
  void NoteLoss(double loss, const std::function<double()>& largest_sample);
  void EndPass(const Epoch& epoch);
  void End();
  // Whether it stands between two updates, where there are no gradients to keep.
  bool Between() const { return steps_ % settings_.accumulate == 0; }

  const TrainerSettings settings_;
  const at::Device device_;  // of the network, and of what was made for it
  const std::shared_ptr<ProcessGroup> group_;
  GradientExchange exchange_;
  Tally tally_;
  KeptLayers kept_;
  LossScale loss_scale_;
  const std::unique_ptr<Runner> runner_;
  RunAhead run_ahead_;
  bool started_ = false;
  std::atomic<bool> pause_{false};
  Position position_;
  Report report_;
  // Of the first step on a GPU: its loss, and the largest magnitude in its samples.
  std::optional<std::pair<at::Tensor, at::Tensor>> first_on_device_;

  // Of the run in progress.
  std::array<double, 2> votes_{};  // of all processes: to be cancelled, and to stop
  std::int64_t steps_ = 0;         // that are done in the epoch
  std::int64_t own_end_ = 0;       // the step from which on there are no samples for this process
  std::int64_t total_ = 0;         // of the epoch; -1 while that is not known
  std::int64_t first_ = 0;         // the step whose batch is the first of an update
};

using TrainerHandle = Handle<Trainer>;

}  // namespace torch_prune
