#pragma once
#include <cstdint>
#include <vector>

#include "matrix.h"
#include "model.h"
#include "survey.h"

// The profile `compact`: every bit is coded by the probability that models of what is around it give it.
// docs/coded-format.md says what is coded; lib/coded/compact.ts is its other reader.
namespace torch_prune::coded {

// What is coded of a tensor before its rows.
struct Head {
  bool sparse = false;
  // The probability that something stands at a place of a live row and column, of 65536.
  std::uint32_t prior = 0;
  int period = 0;
  std::vector<std::uint8_t> live_rows;
  std::vector<std::int32_t> live_columns;
  bool is_shared = false;
  std::vector<std::uint32_t> shared;
  int zeros = 0;
};

// The models of one block. A block begins without any knowledge, so that it can be read by itself.
class Models {
 public:
  Models();

  const Tables& tables;
  // Of lines that are alive, by whether the line before, the one a period before, and the row of the tensor
  // before that has the same place are.
  std::vector<Counter> live_row, live_column;
  std::vector<Counter> by_lines, by_neighbors, by_surround;
  Mixer places;
  // The values of floats.
  std::vector<Counter> is_zero, sign, exponent, mantissa;
  std::vector<Counter> byte;
  // Of the rows of the last tensor that was sparse: whether they are alive.
  std::vector<std::uint8_t> last_rows;
};

// Codes a tensor's head; a decoder fills `head`.
template <typename Coder>
void CodeHead(Coder& coder, Models& models, const Matrix& shape, Head& head);

// Codes the rows of a tensor, or some of them, in `rows`, which begins with the row `first`.
template <typename Coder>
void CodeRows(Coder& coder, Models& models, const Head& head, const Matrix& rows, std::int64_t first);

// Codes bytes of which nothing is known.
template <typename Coder>
void CodeBytes(Coder& coder, Models& models, std::uint8_t* bytes, std::int64_t count, int each);

// What the writer says of a tensor.
Head HeadOf(const Matrix& matrix, const Survey& survey);

}  // namespace torch_prune::coded
