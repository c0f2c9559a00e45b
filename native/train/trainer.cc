#include "trainer.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <string>
#include <utility>

#include "captured_runner.h"

namespace torch_prune {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<std::int64_t> Shuffled(std::int64_t count, std::uint64_t seed) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  const at::Tensor shuffled = at::randperm(count, generator, at::kLong);
  return {shuffled.const_data_ptr<std::int64_t>(), shuffled.const_data_ptr<std::int64_t>() + count};
}

// Gradients belong to a run alone: it lets go of them however it ends.
class RunGradients {
 public:
  explicit RunGradients(OptimizerState& optimizer) : optimizer_(optimizer) {}
  ~RunGradients() { optimizer_.ZeroGrad(); }
  RunGradients(const RunGradients&) = delete;
  RunGradients& operator=(const RunGradients&) = delete;

 private:
  OptimizerState& optimizer_;
};

// Says to the other processes that this one takes no further part, unless its run comes to its end.
class TakesPart {
 public:
  explicit TakesPart(ProcessGroup& group) : group_(group) {}
  ~TakesPart() {
    if (!over_) group_.Leave();
  }
  TakesPart(const TakesPart&) = delete;
  TakesPart& operator=(const TakesPart&) = delete;
  void Over() { over_ = true; }

 private:
  ProcessGroup& group_;
  bool over_ = false;
};

std::vector<at::Tensor> TensorsOf(const Network& network) {
  std::vector<at::Tensor> tensors;
  for (const auto& named : network.tensors()) tensors.push_back(named.tensor);
  return tensors;
}

}  // namespace

Trainer::Trainer(TrainerSettings settings)
    : settings_(std::move(settings)),
      device_(settings_.network->device()),
      group_(settings_.group),
      exchange_(*group_),
      kept_(settings_),
      loss_scale_(settings_.autocast),
      runner_(std::make_unique<CapturedRunner>(settings_, exchange_, tally_, kept_, loss_scale_)),
      run_ahead_(device_) {}

void Trainer::Load(const Position& position, const std::optional<LossScale::State>& scale) {
  const auto steps = settings_.dataset->Steps(settings_.batch_size, settings_.drop_last);
  if (position.steps < 0 || (steps >= 0 && position.steps > steps)) {
    throw Error("ERR_ARGUMENT", steps < 0
                                    ? "steps must be 0 or more"
                                    : "steps must be 0 to " + std::to_string(steps) +
                                          ", the steps of an epoch, got " + std::to_string(position.steps));
  }
  position_ = position;
  position_.over = position.steps == steps;
  if (scale) loss_scale_.Load(*scale);
}

void Trainer::Check(const Epoch& epoch) const {
  const auto steps = epoch.Steps(settings_);
  if (!position_.over && steps >= 0 && position_.steps > steps) {
    throw Error("ERR_ARGUMENT", "the trainer has done " + std::to_string(position_.steps) +
                                    " steps, and this epoch has " + std::to_string(steps));
  }
  if (settings_.network->device() != device_) {
    throw Error("ERR_ARGUMENT", "the network was moved to " + settings_.network->device().str() +
                                    " since its trainer was made: make another one");
  }
  if (settings_.after != -1 && settings_.after != settings_.network->FrozenPrefix()) {
    throw Error("ERR_ARGUMENT", "the layers in front of the cache are not frozen any more: fill it again");
  }
}

Use Trainer::Uses() const {
  Use use{"train()", settings_.dataset->Memory(), settings_.averages.tensors()};
  use.reads.push_back(settings_.distillation.teacher);
  for (const auto& p : std::as_const(*settings_.optimizer).parameters()) {
    use.writes.push_back(p.tensor);
    use.writes.insert(use.writes.end(), p.moments.begin(), p.moments.end());
  }
  return use;
}

Slices Trainer::Run(Job& job, Epoch& epoch) {
  TakesPart part(*group_);
  const auto pass = Begin(epoch);
  const RunGradients gradients(*settings_.optimizer);
  // Masks that change are not those of a layer that computes with its kept weights alone.
  const TakenLayers taken(kept_, epoch.splicing == nullptr);
  const auto until = Clock::now() + std::chrono::duration<double>(epoch.pause_after);
  const auto begun = steps_;
  // What this process says about ending after so many steps. Processes end together, or one would wait for
  // another forever.
  const auto vote = [&](std::int64_t steps) {
    const bool stops =
        steps > begun && (steps - begun >= epoch.most_steps || Clock::now() >= until || pause_);
    votes_ = {job.Cancelled() ? 1.0 : 0.0, stops ? 1.0 : 0.0};
  };
  const bool alone = group_->size() == 1;
  auto& cancelled = report_.cancelled;
  vote(begun);
  group_->Sum(votes_);
  while (steps_ != total_ && !(Between() && Ends())) {
    const bool reads = steps_ < own_end_;
    // The others count on this step, so that several processes wait for it even if the job is cancelled.
    while (reads && !pass->Ready(job) && !(alone && job.Cancelled())) co_await kHandOver;
    {
      const auto batch = reads ? pass->Next(job) : Dataset::Batch{};
      // A batch that the job did not wait for is no step.
      if (alone && batch.size() == 0 && (cancelled = job.Cancelled())) break;
      if (batch.size() == 0 && pass->Over()) {
        EndPass(epoch);
        break;
      }
      vote(steps_ + 1);
      Step(batch, epoch);
    }
    if (report_.broken) break;
    ++steps_;
    if (job.WantsReport()) {
      const auto totals = tally_.totals();
      job.Report({static_cast<double>(steps_), static_cast<double>(std::max<std::int64_t>(total_, 0)),
                  totals.Loss(), totals.samples, totals.correct});
    }
    run_ahead_.Step();
    co_await kHandOver;
    if (alone) vote(steps_);
  }
  End();
  if (!report_.broken) part.Over();
}

// Whether all processes end here, as they have agreed to along with their last gradients.
bool Trainer::Ends() {
  report_.cancelled = votes_[0] > 0;
  return votes_[0] > 0 || votes_[1] > 0;
}

// Gets ready to continue from the position, and begins to read what comes after it.
std::unique_ptr<Dataset::Pass> Trainer::Begin(Epoch& epoch) {
  if (std::exchange(position_.over, false)) position_ = {};
  if (!std::exchange(started_, true)) group_->Broadcast(TensorsOf(*settings_.network));
  report_.cancelled = false;
  report_.broken.reset();
  steps_ = first_ = position_.steps;
  total_ = epoch.Steps(settings_);
  // What was counted so far is that of all processes: one of them carries it on.
  tally_.Restart(group_->rank() == 0 ? position_.totals : Totals{});
  runner_->Changed();
  runner_->Begin();

  const Dataset& dataset = *settings_.dataset;
  auto order = std::move(epoch.order);
  if (order.empty() && dataset.Indexed()) order = Shuffled(dataset.size(), epoch.seed);
  const auto count = static_cast<std::int64_t>(order.size());
  const auto batch_size = settings_.batch_size;
  if (settings_.drop_last && dataset.Indexed()) order.resize(static_cast<std::size_t>(total_ * batch_size));
  // What samples are and how they are changed follows from the order and the seed alone.
  order.erase(order.begin(), order.begin() + std::min(steps_ * batch_size, count));
  own_end_ = std::numeric_limits<std::int64_t>::max();
  if (group_->size() == 1)
    return dataset.Read({std::move(order), batch_size, device_, settings_.augmentation, epoch.seed, steps_});
  order = OwnPart(order);
  const auto own_size = group_->ShareOf(batch_size).count;
  own_end_ = steps_ + Batches(static_cast<std::int64_t>(order.size()), own_size);
  return dataset.Read({std::move(order), own_size, device_, settings_.augmentation, epoch.seed, steps_});
}

// The samples of this process: its part of each batch of the order that all processes follow.
std::vector<std::int64_t> Trainer::OwnPart(const std::vector<std::int64_t>& order) const {
  const auto count = static_cast<std::int64_t>(order.size());
  std::vector<std::int64_t> own;
  for (std::int64_t first = 0; first < count; first += settings_.batch_size) {
    const auto share = group_->ShareOf(std::min(settings_.batch_size, count - first));
    const auto from = order.begin() + first + share.begin;
    own.insert(own.end(), from, from + share.count);
  }
  return own;
}

void Trainer::Step(const Dataset::Batch& batch, const Epoch& epoch) {
  if (Between()) {
    runner_->Begin();
    // Before the forward pass: what the mask keeps is then what the step computes with.
    if (epoch.splicing && epoch.splicing->Refresh(steps_, steps_ + settings_.accumulate)) runner_->Changed();
    first_ = steps_;
  }
  const bool last = (steps_ + 1) % settings_.accumulate == 0 || steps_ + 1 == total_;
  if (last) exchange_.LastBatch(votes_);
  if (batch.size() > 0) Gather(batch, epoch);  // of another, nothing can be read
  // A process without a sample takes part in the updates of the others.
  const bool due = last && (runner_->gathered() || group_->size() > 1);
  if (!report_.broken && due) Update(epoch);
}

void Trainer::Gather(const Dataset::Batch& batch, const Epoch& epoch) {
  const at::Tensor images = epoch.Resized(batch.images);
  const auto [loss, count, finite] = runner_->Gather(batch, images, steps_);
  if (count == 0) return;
  if (loss.defined()) NoteLoss(loss, batch.images);
  if (finite) return;
  kept_.Return();
  report_.broken = Breakdown::Of(settings_, batch, images);
}

// What may explain a breakdown later.
void Trainer::NoteLoss(const at::Tensor& loss, const at::Tensor& images) {
  if (loss.is_cpu()) {
    NoteLoss(loss.item<double>(), [&] { return images.abs().max().item<double>(); });
  } else if (!first_on_device_) {
    // A GPU is not waited for: it is read if training breaks down.
    first_on_device_ = {loss.detach().clone(), images.abs().max()};
  }
}

void Trainer::NoteLoss(double loss, const std::function<double()>& largest_sample) {
  constexpr double kAbsurd = 1e4;  // a guess among a million classes costs 14
  if (!(loss <= std::max(report_.worst_loss, kAbsurd))) {
    report_.worst_loss = loss;
    report_.largest_sample = std::max(report_.largest_sample, largest_sample());
  }
  if (!std::isfinite(loss)) return;
  if (std::isnan(report_.first_loss)) report_.first_loss = loss;
  report_.last_loss = loss;
}

void Trainer::Update(const Epoch& epoch) {
  runner_->Update(epoch.RateAt(first_));
  if (loss_scale_.exhausted()) {
    report_.broken = Breakdown::InGradients(*settings_.optimizer);
    return;
  }
  if (!settings_.averages.empty()) settings_.averages.Update(epoch.average_weights[steps_]);
}

// The pass has come to its end where nobody knew, or sooner than was said.
void Trainer::EndPass(const Epoch& epoch) {
  if (total_ >= 0) {
    throw Error("ERR_ARGUMENT", "the batches ended after " + std::to_string(steps_) + " of " +
                                    std::to_string(total_) + ": give `batches` as many as there are");
  }
  total_ = steps_;
  if (!Between() && runner_->gathered()) Update(epoch);
}

void Trainer::End() {
  kept_.Return();
  const bool over = steps_ == total_;
  // Whoever asked for a pause within an epoch has it; one at the end of an epoch would pass unnoticed.
  if (!over) pause_ = false;
  // Of a process that leaves the others, they hear no more.
  const bool together = !report_.broken;
  const auto totals = together ? tally_.totals().Over(*group_) : tally_.totals();
  if (over && totals.samples == 0) settings_.dataset->RefuseEmpty();
  // Each process has running statistics of its own samples.
  if (together && group_->size() > 1) group_->Broadcast(TensorsOf(*settings_.network));
  // The last steps, whose weights no loss has seen; and a GPU's.
  if (!report_.broken && over) report_.broken = Breakdown::InTensors(*settings_.network);
  if (!report_.broken && !std::isfinite(totals.Loss())) report_.broken = Breakdown{"loss"};
  if (report_.broken && first_on_device_) {
    const auto& [loss, largest] = *first_on_device_;
    NoteLoss(loss.item<double>(), [&] { return largest.item<double>(); });
  }
  report_.losses = tally_.TakeLosses();
  position_ = {steps_, totals, over};
}

}  // namespace torch_prune
