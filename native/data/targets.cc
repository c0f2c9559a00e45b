#include "targets.h"

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "../base/errors.h"

namespace torch_prune {
namespace {

// The two smallest and the two largest distinct values; if any value is NaN, only NaN.
template <typename Element>
std::vector<double> ExtremesOf(const Element* values, std::int64_t count) {
  Element least = values[0], most = values[0];
  for (std::int64_t i = 0; i < count; ++i) {
    if (values[i] != values[i]) return {NAN};
    least = std::min(least, values[i]);
    most = std::max(most, values[i]);
  }
  Element second = most, last_but_one = least;
  for (std::int64_t i = 0; i < count; ++i) {
    if (values[i] > least) second = std::min(second, values[i]);
    if (values[i] < most) last_but_one = std::max(last_but_one, values[i]);
  }
  std::vector<double> found;
  for (const Element value : {least, second, last_but_one, most}) {
    if (found.empty() || static_cast<double>(value) > found.back())
      found.push_back(static_cast<double>(value));
  }
  return found;
}

}  // namespace

Targets::Targets(at::Tensor values) : values_(values.detach().contiguous()) {
  if (values_.is_complex() || values_.is_quantized())
    throw Error("ERR_DTYPE", "labels must be whole numbers (classes) or floats");
  if (!values_.is_cpu())
    throw Error("ERR_DEVICE", "a dataset lies in the CPU's memory: batches go to the device");
  if (values_.dim() == 0) throw Error("ERR_SHAPE", "labels must be [N] or [N, ...], got a single number");
  if (values_.size(0) == 0) throw Error("ERR_SHAPE", "a dataset needs at least one sample");
  if (values_.numel() == 0)
    throw Error("ERR_SHAPE", "labels must not be empty, got " + c10::str(values_.sizes()));
  dtype_ = values_.is_floating_point() ? at::kFloat : at::kLong;
  shape_ = values_.sizes().slice(1).vec();
  AT_DISPATCH_ALL_TYPES_AND3(at::kBool, at::kHalf, at::kBFloat16, values_.scalar_type(), "targets", [this] {
    extremes_ = ExtremesOf(values_.const_data_ptr<scalar_t>(), values_.numel());
  });
}

std::optional<std::pair<double, double>> Targets::Range(std::optional<std::int64_t> ignored) const {
  auto left = extremes_;
  if (ignored) std::erase(left, static_cast<double>(*ignored));
  if (left.empty()) return {};
  return std::pair{left.front(), left.back()};
}

void Targets::Copy(const std::vector<std::int64_t>& indices, const at::Tensor& batch) const {
  const bool as_it_is = values_.scalar_type() == dtype_;
  const at::Tensor rows = as_it_is ? batch : at::empty(batch.sizes(), values_.options());
  const std::size_t bytes = values_.nbytes() / static_cast<std::size_t>(values_.size(0));
  auto* out = static_cast<char*>(rows.mutable_data_ptr());
  const auto* known = static_cast<const char*>(values_.const_data_ptr());
  for (const auto index : indices) {
    std::memcpy(out, known + static_cast<std::size_t>(index) * bytes, bytes);
    out += bytes;
  }
  if (!as_it_is) batch.copy_(rows);
}

}  // namespace torch_prune
