#include <ATen/ATen.h>

#include <cmath>

#include "selection.h"

namespace torch_prune {
namespace {

struct Group {
  std::int64_t keep;
  std::vector<std::int64_t> layers;
};

const auto kGroupFields =
    Fields<Group>("largestGroup", Field("keep", &Group::keep), Field("layers", &Group::layers));

struct LargestOptions {
  std::vector<Group> groups;
  bool filters = false;
  std::optional<DeviationOf> normalize;
};
const auto kLargestFields = Fields<LargestOptions>(
    "largest", Field("groups", &LargestOptions::groups, kGroupFields),
    Field("filters", &LargestOptions::filters).Optional(), Field("normalize", &LargestOptions::normalize));

class Largest : public Selection {
 public:
  explicit Largest(LargestOptions options) : options_(std::move(options)) {}

  void Choose(std::vector<Scored>& layers) const override {
    for (const auto& [keep, members] : options_.groups) {
      std::vector<Candidates> candidates;
      for (const auto i : members) candidates.push_back(CandidatesOf(layers[i]));
      ChooseLargest(candidates, keep);
      for (std::size_t c = 0; c < members.size(); ++c) {
        Scored& layer = layers[members[c]];
        layer.keep = options_.filters ? layer.MaskOf(candidates[c].chosen) : candidates[c].chosen;
      }
    }
  }

 private:
  Candidates CandidatesOf(const Scored& layer) const {
    if (options_.filters) return layer.Filters();
    const double scale = options_.normalize ? layer.Deviation(*options_.normalize) : 1;
    // Where all are the same, there is no deviation to divide by.
    return layer.Weights(scale > 0 ? scale : 1);
  }

  LargestOptions options_;
};

}  // namespace

std::unique_ptr<Selection> ToLargest(const Given& given, std::size_t layers) {
  auto options = kLargestFields.Read(given);
  std::vector<bool> taken(layers);
  for (const auto& group : options.groups) {
    for (const auto i : group.layers) {
      const bool there = i >= 0 && i < static_cast<std::int64_t>(layers);
      if (!there || taken[i]) throw Error("ERR_ARGUMENT", "each layer stands in one group, by its place");
      taken[i] = true;
    }
  }
  for (const bool in_a_group : taken)
    if (!in_a_group) throw Error("ERR_ARGUMENT", "each layer stands in one group, by its place");
  return std::make_unique<Largest>(std::move(options));
}

}  // namespace torch_prune
