#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "matrix.h"
#include "prefix_code.h"
#include "survey.h"

// The profile `huffman`: as Deep Compression (Han, Mao and Dally 2016) stores networks. lib/coded/huffman.ts
// is its other reader.
namespace torch_prune::coded {

struct HuffmanHead {
  bool sparse = false;
  // Bits of a relative position. The largest one is a filler: nothing stands there.
  int width = 0;
  std::vector<std::uint8_t> gap_lengths;
  // Whether values are stored as float16.
  bool half = false;
  bool is_shared = false;
  std::vector<std::uint32_t> shared;
  std::vector<std::uint8_t> value_lengths;
  // Made of the lengths.
  std::optional<PrefixCode> gaps, values;
};

struct HuffmanModels {};

// These are what compact.h has for its own profile.
template <typename Coder>
void CodeHead(Coder& coder, HuffmanModels&, const Matrix& shape, HuffmanHead& head);
template <typename Coder>
void CodeRows(Coder& coder, HuffmanModels&, const HuffmanHead& head, const Matrix& rows, std::int64_t first);
template <typename Coder>
void CodeBytes(Coder& coder, HuffmanModels&, std::uint8_t* bytes, std::int64_t count, int each);

// `stripe` is the number of rows that are coded together.
HuffmanHead HuffmanHeadOf(const Matrix& matrix, const Survey& survey, std::int64_t stripe);

}  // namespace torch_prune::coded
