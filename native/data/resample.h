#pragma once
#include <cstdint>
#include <vector>

namespace torch_prune {

// The weights of one axis of PIL's antialiased bilinear resize (Resample.c): output i is the sum of the
// inputs first[i]..first[i]+count[i]-1, with integer weights of 22 fractional bits that start at weights[i *
// taps].
struct Taps {
  // Makes the taps for an input of `size` samples, of which `begin`..`end` (fractions are allowed) become
  // `outputs`; only the taps of outputs from..from+count-1 are made.
  void Make(std::int64_t size, double begin, double end, std::int64_t outputs, std::int64_t from,
            std::int64_t count);

  std::vector<std::int32_t> first, count, weights;
  std::int64_t taps = 0;

  std::int64_t begin() const { return first.front(); }
  std::int64_t end() const { return first.back() + count.back(); }
};

// Resizes one row of pixels of four bytes; `in` begins at input `offset`.
void ResampleRow(const Taps& columns, const std::uint8_t* in, std::int64_t offset, std::uint8_t* out);

// Computes output row `row` from rows of `bytes` bytes each, the first of which is input `rows.begin()`.
// `sums` is scratch space for `bytes` numbers.
void ResampleColumns(const Taps& rows, std::int64_t row, const std::uint8_t* in, std::int64_t bytes,
                     std::int32_t* sums, std::uint8_t* out);

}  // namespace torch_prune
