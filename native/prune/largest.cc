#include <ATen/ATen.h>

#include <cmath>

#include "selection.h"

namespace torch_prune {
namespace {

struct Group {
  std::int64_t keep;
  std::vector<std::int64_t> layers;
};

class Largest : public Selection {
 public:
  Largest(std::vector<Group> groups, bool filters, std::optional<DeviationOf> normalize)
      : groups_(std::move(groups)), filters_(filters), normalize_(normalize) {}

  void Choose(std::vector<Scored>& layers) const override {
    for (const auto& [keep, members] : groups_) {
      std::vector<Candidates> candidates;
      for (const auto i : members) candidates.push_back(CandidatesOf(layers[i]));
      ChooseLargest(candidates, keep);
      for (std::size_t c = 0; c < members.size(); ++c) {
        Scored& layer = layers[members[c]];
        layer.keep = filters_ ? layer.MaskOf(candidates[c].chosen) : candidates[c].chosen;
      }
    }
  }

 private:
  Candidates CandidatesOf(const Scored& layer) const {
    if (filters_) return layer.Filters();
    const double scale = normalize_ ? layer.Deviation(*normalize_) : 1;
    // Where all are the same, there is no deviation to divide by.
    return layer.Weights(scale > 0 ? scale : 1);
  }

  std::vector<Group> groups_;
  bool filters_;
  std::optional<DeviationOf> normalize_;
};

}  // namespace

std::unique_ptr<Selection> ToLargest(const Options& options, std::size_t layers) {
  std::vector<Group> groups;
  std::vector<bool> taken(layers);
  for (const auto& group : ToObjects(options.Get("groups"), "groups")) {
    groups.push_back({group.Integer("keep"), ToIntegers(group.Get("layers"), "layers")});
    for (const auto i : groups.back().layers) {
      const bool there = i >= 0 && i < static_cast<std::int64_t>(layers);
      if (!there || taken[i]) throw Error("ERR_ARGUMENT", "each layer stands in one group, by its place");
      taken[i] = true;
    }
  }
  for (const bool in_a_group : taken)
    if (!in_a_group) throw Error("ERR_ARGUMENT", "each layer stands in one group, by its place");
  std::optional<DeviationOf> normalize;
  if (options.Has("normalize")) normalize = ToDeviationOf(options.String("normalize"));
  return std::make_unique<Largest>(std::move(groups), options.Boolean("filters", false), normalize);
}

}  // namespace torch_prune
