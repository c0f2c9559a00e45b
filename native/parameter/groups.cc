#include "groups.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "../base/errors.h"
#include "../base/layout.h"
#include "../kernels/codebook.h"

namespace torch_prune {
namespace {

constexpr std::int64_t kMostGroups = 32767;

at::ScalarType BitsOf(const at::Tensor& values) {
  switch (values.element_size()) {
    case 8:
      return at::kLong;
    case 4:
      return at::kInt;
    default:
      return values.element_size() == 2 ? at::kShort : at::kChar;
  }
}

// The same with groups numbered one after the other: an index that no weight has has no value either.
at::Tensor WithoutGaps(const at::Tensor& index) {
  const at::Tensor flat = index.flatten().to(at::kInt);
  const at::Tensor used = flat.bincount({}, 1).ne(0).to(at::kLong);
  used.narrow(0, 0, 1).zero_();
  return used.cumsum(0).mul_(used).to(at::kInt).index_select(0, flat).view(index.sizes());
}

template <typename Index>
std::vector<double> SumsOf(const at::Tensor& flat, const Index* index, std::int64_t groups) {
  // Parts of one size, whatever the number of threads, so that it decides nothing.
  const std::int64_t part = std::max<std::int64_t>(1 << 16, 4 * groups);
  const std::int64_t count = flat.numel();
  const std::int64_t parts = (count + part - 1) / part;
  // Adding to -0 leaves any number as it is, -0 too.
  std::vector<double> sums(static_cast<std::size_t>(parts * groups), -0.0);
  const float* values = flat.const_data_ptr<float>();
  at::parallel_for(0, parts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t first = i * part;
      SumByIndex(values + first, index + first, std::min(part, count - first), sums.data() + i * groups);
    }
  });
  for (std::int64_t i = 1; i < parts; ++i)
    for (std::int64_t g = 0; g < groups; ++g) sums[g] += sums[i * groups + g];
  return sums;
}

template <typename Index>
void Spread(const at::Tensor& flat, const Index* index, const float* table) {
  float* values = flat.mutable_data_ptr<float>();
  at::parallel_for(0, flat.numel(), 1 << 16, [=](std::int64_t begin, std::int64_t end) {
    SpreadByIndex(values + begin, index + begin, end - begin, table);
  });
}

}  // namespace

Groups::Groups(const at::Tensor& values, const at::Tensor& index) {
  const at::NoGradGuard no_grad;
  if (!at::isIntegralType(index.scalar_type(), /*includeBool=*/true))
    throw Error("ERR_DTYPE", "an index of shared values holds whole numbers");
  const bool any = index.numel() > 0;
  const auto least = any ? index.min().item<std::int64_t>() : 0;
  const auto most = any ? index.max().item<std::int64_t>() : 0;
  if (least < 0 || most > kMostGroups) {
    throw Error("ERR_ARGUMENT",
                "an index of shared values is in 0..32767, got " + std::to_string(least < 0 ? least : most));
  }
  const at::Tensor numbered = WithoutGaps(index);
  const auto dtype = (any ? numbered.max().item<std::int64_t>() : 0) <= 255 ? at::kByte : at::kShort;
  index_ =
      at::empty_strided(values.sizes(), values.strides(), values.options().dtype(dtype).requires_grad(false));
  index_.copy_(numbered);
  flat_index_ = InMemory(index_);
  Count();
}

void Groups::Count() {
  const at::Tensor index = flat_index_.cpu().to(at::kShort);
  const auto* group = index.const_data_ptr<std::int16_t>();
  const auto groups = index.numel() > 0 ? index.max().item<std::int64_t>() + 1 : 1;
  at::Tensor counts = at::zeros({groups}, at::kDouble);
  at::Tensor firsts = at::zeros({groups}, at::kLong);
  auto* count = counts.mutable_data_ptr<double>();
  auto* first = firsts.mutable_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < index.numel(); ++i)
    if (count[group[i]]++ == 0) first[group[i]] = i;
  counts_ = counts.clamp_min(1).to(index_.device());
  firsts_ = firsts.to(index_.device());
}

// The values in the order of the index; a copy where they lie in another.
at::Tensor Groups::Flat(const at::Tensor& values) const {
  const at::Tensor plain = values.detach();
  if (SameOrder(plain, index_)) return InMemory(plain);
  return InMemory(
      at::empty_strided(index_.sizes(), index_.strides(), plain.options().requires_grad(false)).copy_(plain));
}

at::Tensor Groups::Wide() const {
  return flat_index_.to(at::kInt);
}

// Double, by index.
at::Tensor Groups::Sums(const at::Tensor& flat) const {
  const auto groups = counts_.numel();
  if (!flat.is_cpu() || flat.scalar_type() != at::kFloat) {
    const at::Tensor sums = at::full({groups}, -0.0, flat.options().dtype(at::kDouble));
    return sums.index_add_(0, Wide(), flat.to(at::kDouble));
  }
  auto sums = flat_index_.scalar_type() == at::kByte
                  ? SumsOf(flat, flat_index_.const_data_ptr<std::uint8_t>(), groups)
                  : SumsOf(flat, flat_index_.const_data_ptr<std::int16_t>(), groups);
  sums.resize(static_cast<std::size_t>(groups));
  return at::tensor(sums, at::kDouble);
}

at::Tensor Groups::Firsts(const at::Tensor& flat) const {
  return flat.index_select(0, firsts_);
}

// Writes the table into the flat values, and those back where they are a copy.
void Groups::Write(const at::Tensor& values, at::Tensor flat, const at::Tensor& by_index) const {
  const at::Tensor table = by_index.to(flat.scalar_type());
  table.narrow(0, 0, 1).zero_();
  if (!flat.is_cpu() || flat.scalar_type() != at::kFloat) {
    at::index_select_out(flat, table, 0, Wide());
  } else if (flat_index_.scalar_type() == at::kByte) {
    Spread(flat, flat_index_.const_data_ptr<std::uint8_t>(), table.const_data_ptr<float>());
  } else {
    Spread(flat, flat_index_.const_data_ptr<std::int16_t>(), table.const_data_ptr<float>());
  }
  if (!SameOrder(values, index_)) values.detach().copy_(flat.as_strided(index_.sizes(), index_.strides(), 0));
}

void Groups::SpreadMean(const at::Tensor& values) const {
  const at::NoGradGuard no_grad;
  const at::Tensor flat = Flat(values);
  Write(values, flat, Sums(flat).div_(counts_));
}

at::Tensor Groups::SpreadSum(const at::Tensor& values) const {
  const at::NoGradGuard no_grad;
  const at::Tensor sums =
      at::empty_strided(index_.sizes(), index_.strides(), values.options().requires_grad(false));
  Write(sums, InMemory(sums), Sums(Flat(values)));
  return sums;
}

void Groups::SpreadFirst(const at::Tensor& values) const {
  const at::NoGradGuard no_grad;
  const at::Tensor flat = Flat(values);
  Write(values, flat, Firsts(flat));
}

std::int64_t Groups::Unequal(const at::Tensor& values) const {
  const at::NoGradGuard no_grad;
  const at::Tensor bits = Flat(values).view(BitsOf(values));
  at::Tensor wanted = Firsts(bits);
  wanted.narrow(0, 0, 1).zero_();
  return bits.ne(wanted.index_select(0, Wide())).sum().item<std::int64_t>();
}

at::Tensor Groups::TableOf(const at::Tensor& values) const {
  const at::NoGradGuard no_grad;
  at::Tensor table = Firsts(Flat(values)).cpu();
  table.narrow(0, 0, 1).zero_();
  return table;
}

}  // namespace torch_prune
