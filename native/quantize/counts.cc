#include <ATen/ATen.h>

#include "../base/fields.h"
#include "../parameter/parametrization.h"
#include "../prune/weights_job.h"
#include "int8.h"
#include "jobs.h"

namespace torch_prune {
namespace {

// What a weight costs to write down: how often each of its shared values stands in it, or each level of
// int8, and how far apart its kept weights are.
struct Counted {
  at::Tensor weight;
  std::int64_t bits;  // of a gap
  std::int64_t axis;  // of its output channels
  std::vector<double> values = {}, levels = {}, gaps = {};
  double fillers = 0;

  void Count();

 private:
  void CountLevels(const at::Tensor& keep);
  void CountGaps(const at::Tensor& keep);
};

void Counted::Count() {
  if (const at::Tensor index = SharedIndex(weight); index.defined()) {
    const at::Tensor counts = index.cpu().flatten().to(at::kInt).bincount().to(at::kDouble);
    values.assign(counts.const_data_ptr<double>(), counts.const_data_ptr<double>() + counts.numel());
  }
  const at::Tensor keep = KeptMask(weight);
  if (values.empty()) CountLevels(keep);
  if (keep.defined()) CountGaps(keep.cpu().contiguous());
}

void Counted::CountLevels(const at::Tensor& keep) {
  const auto found = ExactLevels(weight, axis);
  if (!found) return;
  const at::Tensor kept = keep.defined() ? found->levels.masked_select(keep.cpu()) : found->levels.flatten();
  const at::Tensor counts = kept.to(at::kInt).add_(127).bincount({}, 255).to(at::kDouble);
  levels.assign(counts.const_data_ptr<double>(), counts.const_data_ptr<double>() + counts.numel());
}

// In the order of the weight's elements. A gap too long for its bits takes a filler, which is a weight of 0.
void Counted::CountGaps(const at::Tensor& keep) {
  const std::int64_t longest = std::int64_t{1} << bits;
  gaps.assign(static_cast<std::size_t>(longest), 0);
  const bool* kept = keep.const_data_ptr<bool>();
  std::int64_t gap = 0, waiting = 0;
  for (std::int64_t i = 0; i < keep.numel(); ++i) {
    ++gap;
    if (kept[i]) {
      ++gaps[gap - 1];
      fillers += static_cast<double>(waiting);
      gap = waiting = 0;
    } else if (gap == longest) {
      ++waiting;  // counts once a kept weight follows
      gap = 0;
    }
  }
  gaps[longest - 1] += fillers;
}

struct GivenCounted {
  std::string name;
  std::int64_t bits;
  std::int64_t axis;
};
const auto kCountedFields = Fields<GivenCounted>("counted", Field("name", &GivenCounted::name),
                                                 Field("bits", &GivenCounted::bits).Within(1, 16),
                                                 Field("axis", &GivenCounted::axis));

// quantizeCounts(network, [{name, bits, axis}]): [{values, levels, gaps, fillers}] of each weight: how many
// weights have each index, the pruned ones first, none where values are not shared; how many kept weights
// have each level of -127 to 127, none where values are not those of int8; how many kept weights are 1, 2, …
// 2^bits elements after the one before, fillers among the longest, none without a mask.
Napi::Value Counts(const Napi::CallbackInfo& info) {
  const auto network = ReadNetwork(info[0]);
  auto weights = std::make_shared<std::vector<Counted>>();
  for (const auto& [name, bits, axis] : ReadList(kCountedFields, info[1], "weights")) {
    const at::Tensor& weight = network->Find(name).tensor;
    if (axis < 0 || axis >= weight.dim())
      throw Error("ERR_ARGUMENT", "axis is no dimension of '" + name + "', got " + std::to_string(axis));
    weights->push_back({weight, bits, axis});
  }
  return StartWeightsJob(
      info.Env(), network,
      [weights] {
        for (auto& weight : *weights) weight.Count();
      },
      [weights](Napi::Env env) {
        const auto numbers = [env](const std::vector<double>& from) {
          auto array = Napi::Float64Array::New(env, from.size());
          std::copy(from.begin(), from.end(), array.Data());
          return array;
        };
        auto list = Napi::Array::New(env, weights->size());
        for (std::uint32_t i = 0; i < weights->size(); ++i) {
          const auto& weight = (*weights)[i];
          auto entry = Napi::Object::New(env);
          entry.Set("values", numbers(weight.values));
          entry.Set("levels", numbers(weight.levels));
          entry.Set("gaps", numbers(weight.gaps));
          entry.Set("fillers", weight.fillers);
          list.Set(i, entry);
        }
        return Napi::Value(list);
      },
      Access::kRead);
}

}  // namespace

void RegisterCounts(Napi::Object exports) {
  Export<Counts>(exports, "quantizeCounts");
}

}  // namespace torch_prune
