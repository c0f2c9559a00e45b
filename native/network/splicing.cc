#include "splicing.h"

#include <ATen/ATen.h>

#include <limits>

#include "choice.h"

namespace torch_prune {
namespace {

const at::Tensor& KeptNow(const std::string& name, const at::Tensor& weight) {
  const MaskHook* splice = FindSplice(weight);
  if (splice == nullptr)
    throw Error("ERR_ARGUMENT", "'" + name + "' is not spliced any more: splice it, or leave its mask alone");
  return splice->keep();
}

double Count(const at::Tensor& flags) {
  return static_cast<double>(flags.sum().item<std::int64_t>());
}

}  // namespace

Splicing::Splicing(const Network& network, const Options& options) : margin_(options.Number("margin")) {
  if (!(margin_ >= 0 && margin_ < 1)) {
    throw Error("ERR_ARGUMENT", "margin must be 0 or more and under 1, got " + c10::str(margin_));
  }
  const auto groups = ToArray(options.Get("groups"), "groups");
  const auto scales = ToArray(options.Get("scales"), "scales");
  if (scales.Length() != groups.Length()) throw Error("ERR_ARGUMENT", "scales must hold one list a group");
  for (std::uint32_t g = 0; g < groups.Length(); ++g) {
    const auto names = ToStrings(groups.Get(g), "groups");
    const auto by = ToNumbers(scales.Get(g), "scales");
    if (by.size() != names.size() || names.empty())
      throw Error("ERR_ARGUMENT", "a group needs one name or more, and a scale for each");
    Group group;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const at::Tensor& weight = network.Find(names[i]).tensor;
      KeptNow(names[i], weight);
      group.push_back({names[i], weight, by[i], {}});
    }
    groups_.push_back(std::move(group));
  }
}

void Splicing::Refresh(const double* keep) {
  const at::NoGradGuard no_grad;
  for (std::size_t g = 0; g < groups_.size(); ++g) Choose(groups_[g], static_cast<std::int64_t>(keep[g]));
  for (auto& group : groups_) {
    for (auto& member : group) {
      MaskHook& splice = *FindSplice(member.weight);
      returned_ += Count(member.keep.logical_and(splice.keep().logical_not()));
      removed_ += Count(splice.keep().logical_and(member.keep.logical_not()));
      splice.Replace(std::move(member.keep));
    }
  }
}

void Splicing::Choose(Group& group, std::int64_t keep) const {
  std::vector<at::Tensor> scores, flat;
  for (const auto& member : group) {
    at::Tensor score = member.weight.detach().abs().div_(member.scale);
    // What is no number, or infinite, computes nothing: it goes first and never returns.
    score.masked_fill_(score.lt(std::numeric_limits<double>::infinity()).logical_not_(), 0);
    // The two thresholds as one: a kept weight counts for more than a pruned one of the same magnitude.
    const at::Tensor& kept = KeptNow(member.name, member.weight);
    score = at::where(kept, score * (1 + margin_), score * (1 - margin_));
    flat.push_back(score.flatten());
    scores.push_back(std::move(score));
  }
  const double threshold = ThresholdOf(at::cat(flat), keep, 0);
  for (std::size_t i = 0; i < group.size(); ++i) {
    Member& member = group[i];
    // A dense value of 0 has nothing to give back, however low the threshold is.
    const at::Tensor worth = KeptNow(member.name, member.weight).logical_or(scores[i].gt(0));
    member.keep = scores[i].ge(threshold).logical_and_(worth);
    if (!member.keep.any().item<bool>()) throw Emptied(member.name);
  }
}

Napi::Value Splicing::Counts(Napi::Env env) const {
  auto counts = Napi::Object::New(env);
  counts.Set("returned", returned_);
  counts.Set("removed", removed_);
  return counts;
}

}  // namespace torch_prune
