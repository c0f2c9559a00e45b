#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "../network/jobs.h"
#include "../tensor/tensor.h"
#include "scored.h"
#include "weight_scores.h"

namespace torch_prune {
namespace {

// What the value of a weight takes, of the few that a layer's weights share.
constexpr double kValueBits = 2;
// A kept weight takes at least this, also where everything around it is kept.
constexpr double kLeastBits = 1;
// A share that is counted is taken for one that was seen twice more, and for no more than this.
constexpr double kSeenBefore = 2;
constexpr double kMostShare = 0.98;

// log2(p / (1 - p)) of the shares p of lines of `length` places that are kept, beside the weight that is
// priced.
at::Tensor LogOdds(const at::Tensor& counts, double length, double share) {
  const at::Tensor others = counts.to(at::kDouble).sub_(1).clamp_min_(0);
  const at::Tensor p = others.add_(kSeenBefore * share).div_(length + kSeenBefore).clamp_max_(kMostShare);
  return (p / (1 - p)).log2_();
}

// The bits that each weight takes in a coded file, [rows, columns], where these are kept, by the mean of
// those that are. A place says as much as its logarithm of odds: that of its row and that of its column, in
// so far as they differ from that of all.
at::Tensor BitsOf(const at::Tensor& keep, at::ScalarType dtype) {
  const auto rows = static_cast<double>(keep.size(0)), columns = static_cast<double>(keep.size(1));
  const double share = std::min(CountOf(keep) / (rows * columns), kMostShare);
  const at::Tensor by_row = LogOdds(keep.sum(1), columns, share);
  const at::Tensor by_column = LogOdds(keep.sum(0), rows, share);
  const at::Tensor of_row = kValueBits + std::log2(share / (1 - share)) - by_row;
  at::Tensor bits = (of_row.to(dtype).unsqueeze(1) - by_column.to(dtype)).clamp_min_(kLeastBits);
  const at::Tensor together = bits.masked_fill(keep.logical_not(), 0).sum(at::kDouble);
  return bits.div_((together / keep.sum()).to(dtype));
}

// magnitudesPerBit(network, names, price): |w| / (bits / mean)^price of each weight.
Napi::Value MagnitudesPerBit(const Napi::CallbackInfo& info) {
  const auto network = ReadNetwork(info[0]);
  const auto names = ToStrings(info[1], "names");
  const double price = ToNumber(info[2], "price");
  if (!(price >= 0) || std::isinf(price))
    throw Error("ERR_ARGUMENT", "price must be 0 or more, got " + std::to_string(price));
  return StartScoresJob(info.Env(), network, names, [price](const at::Tensor& weight, const FilterOrder&) {
    at::Tensor scores = weight.detach().abs().contiguous();
    at::Tensor bits = BitsOf(Kept(weight).flatten(1), weight.scalar_type());
    if (price != 1) bits.pow_(price);
    scores.flatten(1).div_(bits);
    return scores;
  });
}

}  // namespace

void RegisterMagnitudesPerBit(Napi::Object exports) {
  Export<MagnitudesPerBit>(exports, "magnitudesPerBit");
}

}  // namespace torch_prune
