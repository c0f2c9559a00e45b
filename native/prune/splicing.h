#pragma once
#include <string>
#include <vector>

#include "../base/fields.h"
#include "../network/network.h"

namespace torch_prune {

// Splicing as it is given: a group is what shares one count of kept weights, and magnitudes are divided by
// their scale. All must be spliced.
struct SplicingOptions {
  struct Ranked {
    std::string name;
    double scale = 1;
  };
  std::vector<std::vector<Ranked>> groups;
  double margin;
  std::vector<std::int64_t> keep;   // for each group, or for each group at each of the steps
  std::vector<std::int64_t> steps;  // in training: before which steps masks change
};
inline const auto kRankedFields =
    Fields<SplicingOptions::Ranked>("ranked", Field("name", &SplicingOptions::Ranked::name),
                                    Field("scale", &SplicingOptions::Ranked::scale).Optional());
inline const auto kSplicingFields = Fields<SplicingOptions>(
    "splicing", Field("groups", &SplicingOptions::groups, kRankedFields),
    Field("margin", &SplicingOptions::margin).With({.least = 0, .under = 1}),
    Field("keep", &SplicingOptions::keep), Field("steps", &SplicingOptions::steps).Optional());

// Takes weights out and puts them back (Guo, Yao and Chen 2016, equation 4): a kept weight goes when its
// magnitude falls under a, a pruned one returns when its dense value reaches b, and between a and b nothing
// changes. a and b stand at t / (1 + margin) and t / (1 - margin), and t is solved for: as many weights of a
// group as wanted are kept, exactly.
class Splicing {
 public:
  Splicing(const Network& network, const SplicingOptions& options);

  std::size_t groups() const { return groups_.size(); }

  // Splices again, `keep` a count for each group. Changes nothing when it would leave a weight tensor empty.
  void Refresh(const std::int64_t* keep);

  // {returned, removed}, of all refreshes so far.
  Napi::Value Counts(Napi::Env env) const;

 private:
  struct Member {
    std::string name;
    at::Tensor weight;
    double scale;
    at::Tensor keep;  // while refreshing: what it is to keep
  };
  using Group = std::vector<Member>;
  void Choose(Group& group, std::int64_t keep) const;
  void Count(const Member& member);

  std::vector<Group> groups_;
  double margin_;
  double returned_ = 0, removed_ = 0;
};

// When a training splices, and how many weights are kept from then on.
class SplicingPlan {
 public:
  SplicingPlan(const Network& network, const SplicingOptions& options);

  // Splices if one of the steps from `begin` up to but not including `end` says so; the first one decides.
  // Returns whether it did.
  bool Refresh(std::int64_t begin, std::int64_t end);
  // As Splicing::Counts.
  Napi::Value Counts(Napi::Env env) const { return splicing_.Counts(env); }

 private:
  Splicing splicing_;
  std::vector<std::int64_t> steps_, keep_;
};

}  // namespace torch_prune
