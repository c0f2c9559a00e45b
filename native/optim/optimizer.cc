#include "optimizer.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "../parameter/parametrization.h"

namespace torch_prune {

namespace {

// The arguments of a fused kernel that apply to a whole call: weight decay, learning rate, dtype, device, and
// the steps so far.
using Shared = std::tuple<double, double, at::ScalarType, std::string, std::int64_t>;

Shared SharedBy(const OptimizedParameter& p, double rate) {
  return {p.weight_decay, rate, p.tensor.scalar_type(), p.tensor.device().str(), p.steps};
}

}  // namespace

void OptimizerState::Step(double lr) {
  const at::NoGradGuard no_grad;
  const Group stepping = Stepping();
  for (const auto* p : stepping) CheckRate(*p, lr * p->lr_factor);
  std::map<Shared, Group> groups;
  for (OptimizedParameter* p : stepping) {
    Begin(*p);
    ++p->steps;
    if (fused_) {
      groups[SharedBy(*p, lr * p->lr_factor)].push_back(p);
    } else {
      StepOne(*p, lr * p->lr_factor);
    }
  }
  for (const auto& [key, group] : groups) StepFused(group, Rate{std::get<1>(key), {}}, {});
  End(stepping);
}

bool OptimizerState::CanRecord() const {
  if (!fused_) return false;
  const auto moments = MomentNames().size();
  for (const auto& p : parameters()) {
    if (!p.tensor.requires_grad()) continue;
    if (!p.tensor.is_cuda() || p.steps == 0) return false;
    for (std::size_t i = 0; i < moments; ++i)
      if (!p.moments[i].defined()) return false;
  }
  return true;
}

RecordedStep OptimizerState::Prepare() const {
  RecordedStep recorded;
  for (const auto& p : parameters()) {
    if (!p.tensor.requires_grad()) continue;
    const auto options = p.tensor.options().dtype(at::kFloat).requires_grad(false);
    if (!recorded.lr.defined()) recorded.lr = at::zeros({}, options);
    const auto same = [&p](const RecordedStep::Count& count) { return count.there == p.steps; };
    if (std::any_of(recorded.counts.begin(), recorded.counts.end(), same)) continue;
    recorded.counts.push_back({&p, at::full({}, static_cast<double>(p.steps), options), p.steps});
  }
  return recorded;
}

void OptimizerState::Step(RecordedStep& recorded) {
  const at::NoGradGuard no_grad;
  const Group stepping = Stepping();
  std::map<double, at::Tensor> rates;  // by lr_factor
  std::map<Shared, Group> groups;
  for (const auto& count : recorded.counts) count.steps.add_(1);
  for (OptimizedParameter* p : stepping) {
    Begin(*p);
    auto& rate = rates[p->lr_factor];
    if (!rate.defined()) rate = p->lr_factor == 1 ? recorded.lr : recorded.lr * p->lr_factor;
    groups[SharedBy(*p, p->lr_factor)].push_back(p);
  }
  for (const auto& [key, group] : groups) {
    const auto count = std::find_if(recorded.counts.begin(), recorded.counts.end(),
                                    [&](const auto& each) { return each.there == group[0]->steps; });
    StepFused(group, Rate{0, rates[std::get<1>(key)]}, count->steps);
  }
  End(stepping);
}

void OptimizerState::Count(RecordedStep& recorded, double lr) {
  const at::NoGradGuard no_grad;
  for (const auto& p : parameters())
    if (p.tensor.requires_grad()) CheckRate(p, lr * p.lr_factor);
  if (std::exchange(recorded.lr_there, lr) != lr) recorded.lr.fill_(lr);
  for (auto& count : recorded.counts) {
    if (count.there != count.of->steps) count.steps.fill_(static_cast<double>(count.of->steps));
    count.there = count.of->steps + 1;
  }
  for (auto& p : parameters())
    if (p.tensor.requires_grad()) ++p.steps;
}

OptimizerState::Group OptimizerState::Stepping() {
  Group stepping;
  for (auto& p : parameters())
    if (p.tensor.requires_grad() && p.tensor.grad().defined()) stepping.push_back(&p);
  return stepping;
}

void OptimizerState::Begin(OptimizedParameter& p) const {
  for (auto& moment : p.moments) {
    if (moment.defined()) moment = Beside(p.tensor, moment);
  }
  p.gradient = Beside(p.tensor, p.tensor.grad());
  if (p.l2 != 0) p.gradient = p.gradient.add(p.tensor, p.l2);
  if (p.l1 != 0) p.gradient = p.gradient.add(p.tensor.sign(), p.l1);
}

void OptimizerState::End(const Group& stepping) const {
  for (OptimizedParameter* p : stepping) {
    p->gradient.reset();
    const auto* parametrization = Parametrization::Of(p->tensor);
    if (parametrization == nullptr) continue;
    parametrization->SettleAfterStep(p->tensor);
    for (const auto& moment : p->moments)
      if (moment.defined()) parametrization->SettleAfterStep(moment);
  }
}

void OptimizerState::CheckRate(const OptimizedParameter&, double lr) const {
  if (!(lr >= 0 && lr <= kLargestRate)) {
    throw Error("ERR_ARGUMENT", "the learning rate must be in 0..1e20, got " + c10::str(lr));
  }
}

void OptimizerState::SettleGradients() {
  for (const auto& p : parameters()) {
    const auto* parametrization = Parametrization::Of(p.tensor);
    if (parametrization != nullptr && p.tensor.grad().defined()) parametrization->Settle(p.tensor.grad());
  }
}

void OptimizerState::ZeroGrad() {
  // Releasing a gradient lets the next backward pass on its buffer instead of adding to this one.
  for (auto& p : parameters()) p.tensor.mutable_grad() = at::Tensor();
}

void OptimizerState::ScaleGradients(double factor) {
  const at::NoGradGuard no_grad;
  for (auto& p : parameters()) {
    if (p.tensor.grad().defined()) p.tensor.mutable_grad().mul_(factor);
  }
}

}  // namespace torch_prune
