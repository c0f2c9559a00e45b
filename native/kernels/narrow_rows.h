#pragma once
#include <cstdint>
#include <vector>

#include "dispatch.h"
#include "epilogue.h"

namespace torch_prune {

// The kept weights of some rows of a matrix for products with up to 8 vectors. Inputs are taken in blocks
// that fit in the first cache; in each, rows stand by their numbers of weights, since the end of a loop is
// hard to foretell where these differ, and are filled up with zeros to whole groups of kGroup.
class NarrowRows {
 public:
  static constexpr std::int64_t kWidth = 8;
  static constexpr std::int64_t kGroup = 8;

  // Of the rows from `first` up to `last` of a dense matrix with so many columns.
  NarrowRows(const float* weight, std::int64_t first, std::int64_t last, std::int64_t columns);

  // The products of these rows with some samples, at most kWidth, of `columns` numbers each: y of a sample
  // has `stride` rows, y[row] = epilogue(sum of weight * x[column]). `room` is for room() floats.
  void Multiply(const float* x, std::int64_t samples, const Epilogue& epilogue, float* y, std::int64_t stride,
                float* room, Isa isa) const;
  std::int64_t room() const { return (step_ + 1 + last_ - first_) * kWidth; }
  // Writes the kept weights to their places in such a matrix.
  void Spread(float* weight) const;
  std::int64_t bytes() const;

 private:
  // The weights of a row in a block.
  struct Piece {
    std::uint32_t row;  // from the first one
    std::uint32_t groups;
  };
  struct Block {
    std::int64_t column;       // its first one
    std::int64_t begin;        // its weights
    std::int64_t first, last;  // its pieces
  };
  template <typename Add>
  void ForPieces(const Block& block, const float* x, float* sums, const Add& add) const;
  void Plain(const Block& block, const float* x, float* sums) const;
  void Avx2(const Block& block, const float* x, float* sums) const;
  void Avx512(const Block& block, const float* x, float* sums) const;

  std::int64_t first_, last_, columns_;
  std::int64_t step_;  // columns of a block
  std::vector<Block> blocks_;
  std::vector<Piece> pieces_;
  std::vector<std::uint16_t> place_;  // by weight: where its input begins in a block, in kUnit floats
  std::vector<float> value_;
};

}  // namespace torch_prune
