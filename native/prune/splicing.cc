#include "splicing.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <limits>

#include "choice.h"

namespace torch_prune {
namespace {

at::Tensor KeptNow(const std::string& name, const at::Tensor& weight) {
  const auto* splice = Parametrization::Of(weight);
  if (splice == nullptr || !splice->MayReturn())
    throw Error("ERR_ARGUMENT", "'" + name + "' is not spliced any more: splice it, or leave its mask alone");
  return splice->keep();
}

double NonZero(const at::Tensor& flags) {
  return static_cast<double>(flags.count_nonzero().item<std::int64_t>());
}

}  // namespace

Splicing::Splicing(const Network& network, const SplicingOptions& options) : margin_(options.margin) {
  for (const auto& ranked : options.groups) {
    Group group;
    for (const auto& [name, scale] : ranked) {
      const at::Tensor& weight = network.Find(name).tensor;
      KeptNow(name, weight);
      group.push_back({name, weight, scale, {}});
    }
    if (group.empty()) throw Error("ERR_ARGUMENT", "a group needs one layer or more");
    groups_.push_back(std::move(group));
  }
}

void Splicing::Refresh(const std::int64_t* keep) {
  const at::NoGradGuard no_grad;
  for (std::size_t g = 0; g < groups_.size(); ++g) Choose(groups_[g], keep[g]);
  for (auto& group : groups_) {
    for (auto& member : group) {
      Count(member);
      Parametrization::Of(member.weight)->SetKeep(std::move(member.keep));
    }
  }
}

void Splicing::Count(const Member& member) {
  const at::Tensor kept = KeptMask(member.weight);
  returned_ += NonZero(member.keep.logical_and(kept.logical_not()));
  removed_ += NonZero(kept.logical_and(member.keep.logical_not()));
}

void Splicing::Choose(Group& group, std::int64_t keep) const {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::vector<Candidates> candidates;
  for (const auto& member : group) {
    const at::Tensor kept = KeptNow(member.name, member.weight);
    const auto score = [&member, kept, this] {
      at::Tensor size = member.weight.detach().abs().div_(member.scale);
      // What is no number, or infinite, computes nothing: it goes first and never returns.
      size.masked_fill_(size.lt(kInfinity).logical_not_(), 0);
      // The two thresholds as one: a kept weight counts for more than a pruned one of the same magnitude.
      return at::where(kept, size * (1 + margin_), size * (1 - margin_));
    };
    // Nor has a dense value of 0 anything to give back, however few others there are.
    const at::Tensor size = member.weight.detach().abs();
    const at::Tensor eligible = size.gt(0).logical_and_(size.lt(kInfinity)).logical_or_(kept);
    candidates.push_back({"the weights of '" + member.name + "'", score, eligible, {}});
  }
  ChooseLargest(candidates, keep);
  for (std::size_t i = 0; i < group.size(); ++i) {
    group[i].keep = std::move(candidates[i].chosen);
    if (!group[i].keep.any().item<bool>()) throw Emptied(group[i].name);
  }
}

Napi::Value Splicing::Counts(Napi::Env env) const {
  auto counts = Napi::Object::New(env);
  counts.Set("returned", returned_);
  counts.Set("removed", removed_);
  return counts;
}

SplicingPlan::SplicingPlan(const Network& network, const SplicingOptions& options)
    : splicing_(network, options), steps_(options.steps), keep_(options.keep) {
  if (keep_.size() != steps_.size() * splicing_.groups())
    throw Error("ERR_ARGUMENT", "splicing.keep must hold one number a group for each of its steps");
}

bool SplicingPlan::Refresh(std::int64_t begin, std::int64_t end) {
  const auto due = std::find_if(steps_.begin(), steps_.end(),
                                [=](std::int64_t step) { return step >= begin && step < end; });
  if (due == steps_.end()) return false;
  splicing_.Refresh(keep_.data() + (due - steps_.begin()) * splicing_.groups());
  return true;
}

}  // namespace torch_prune
