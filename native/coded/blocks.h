#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "matrix.h"

namespace torch_prune::coded {

enum class Profile { kHuffman, kCompact };

// A tensor of a file: floats, or bytes of anything else.
struct Tensor {
  Matrix floats;
  std::uint8_t* bytes = nullptr;
  std::int64_t elements = 0;
  // Bytes of an element where it is not a float32.
  int width = 4;

  bool IsFloat() const { return bytes == nullptr; }
};

// Small tensors share a block with their neighbors; larger ones have one for their head and one for each
// stripe of rows.
inline constexpr std::int64_t kMostGrouped = 1 << 20;
inline constexpr std::int64_t kStripe = 1 << 22;

struct BlockPlan {
  enum class Kind { kGroup, kHead, kRows } kind;
  std::size_t tensor = 0;  // the first
  std::size_t tensors = 1;
  std::int64_t first = 0, rows = 0;
};

std::vector<BlockPlan> PlanOf(std::span<const Tensor> tensors);

// Codes the blocks of some tensors, in the order of their plan. Stripes of a tensor may be coded at the same
// time.
class Blocks {
 public:
  static std::unique_ptr<Blocks> Make(Profile profile, std::vector<Tensor> tensors);
  virtual ~Blocks() = default;
  virtual std::vector<std::uint8_t> Encode(const BlockPlan& block) = 0;
  // How many bits of the block each of its tensors takes.
  virtual std::vector<double> Decode(const BlockPlan& block, std::span<const std::uint8_t> bytes) = 0;
};

}  // namespace torch_prune::coded
