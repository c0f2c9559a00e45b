#include <ATen/ATen.h>

#include <cmath>

#include "../network/jobs.h"
#include "../parameter/place_bits.h"
#include "../tensor/tensor.h"
#include "scored.h"
#include "weight_scores.h"

namespace torch_prune {
namespace {

// What the value of a weight takes, of the few that a layer's weights share.
constexpr double kValueBits = 2;

// The bits that each weight takes in a coded file, [rows, columns], where these are kept, by the mean of
// those that are.
at::Tensor BitsOf(const at::Tensor& keep, at::ScalarType dtype) {
  const auto [of_rows, of_columns] = PlaceBits::Of(keep.sum(1), keep.sum(0));
  at::Tensor bits = ((kValueBits + of_rows).to(dtype).unsqueeze(1) + of_columns.to(dtype))
                        .clamp_min_(PlaceBits::kLeastBits);
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
