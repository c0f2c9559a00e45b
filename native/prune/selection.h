#pragma once
#include <memory>
#include <vector>

#include "scored.h"

namespace torch_prune {

// How many weights stay, of those that are still kept: chooses the masks of layers.
class Selection {
 public:
  virtual ~Selection() = default;
  virtual void Choose(std::vector<Scored>& layers) const = 0;
};

// {kind, …}, over this many layers. Each kind is a file beside this one.
std::unique_ptr<Selection> ToSelection(const Napi::Value& value, std::size_t layers);

// What reaches a threshold for each layer, in deviations of it, or absolute without `of`.
std::unique_ptr<Selection> ToThreshold(const Given& given, std::size_t layers);
// The largest of each group of layers, exactly as many
// where as many are still kept; whole filters, or weights, which are divided by deviations of their layers.
std::unique_ptr<Selection> ToLargest(const Given& given, std::size_t layers);
// The largest `keep` of every `of` weights along the inputs.
std::unique_ptr<Selection> ToNm(const Given& given, std::size_t layers);

}  // namespace torch_prune
