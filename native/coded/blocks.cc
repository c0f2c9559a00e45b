#include "blocks.h"

#include <algorithm>

#include "bits.h"
#include "compact.h"
#include "huffman.h"
#include "range_coder.h"
#include "survey.h"

namespace torch_prune::coded {
namespace {

std::int64_t StripeOf(const Matrix& matrix) {
  return std::max<std::int64_t>(1, kStripe / std::max<std::int64_t>(1, matrix.columns));
}

struct Compact {
  using Encoder = RangeEncoder;
  using Decoder = RangeDecoder;
  using CodedHead = Head;
  using BlockModels = Models;
  static Head Describe(const Matrix& matrix) { return HeadOf(matrix, Look(matrix)); }
};

struct Huffman {
  using Encoder = BitEncoder;
  using Decoder = BitDecoder;
  using CodedHead = HuffmanHead;
  using BlockModels = HuffmanModels;
  static HuffmanHead Describe(const Matrix& matrix) {
    return HuffmanHeadOf(matrix, Look(matrix), matrix.size() > kMostGrouped ? StripeOf(matrix) : matrix.rows);
  }
};

template <typename P>
class BlocksOf : public Blocks {
 public:
  explicit BlocksOf(std::vector<Tensor> tensors) : tensors_(std::move(tensors)) {}

  std::vector<std::uint8_t> Encode(const BlockPlan& block) override {
    typename P::Encoder coder;
    Code(coder, block, [] {});
    return coder.Finish();
  }
  std::vector<double> Decode(const BlockPlan& block, std::span<const std::uint8_t> bytes) override {
    typename P::Decoder coder(bytes);
    std::vector<double> bits;
    double before = 0;
    Code(coder, block, [&] {
      const double taken = coder.Taken();
      bits.push_back(taken - before);
      before = taken;
    });
    coder.Finish();
    return bits;
  }

 private:
  // `done` is called after each tensor.
  template <typename Coder, typename Done>
  void Code(Coder& coder, const BlockPlan& block, const Done& done) {
    typename P::BlockModels models;
    for (std::size_t i = 0; i < block.tensors; ++i) {
      Tensor& tensor = tensors_[block.tensor + i];
      if (tensor.IsFloat())
        CodeFloats(coder, models, tensor.floats, block);
      else
        CodeBytes(coder, models, tensor.bytes, tensor.elements * tensor.width, tensor.width);
      done();
    }
  }

  template <typename Coder>
  void CodeFloats(Coder& coder, typename P::BlockModels& models, Matrix rows, const BlockPlan& block) {
    if (block.kind != BlockPlan::Kind::kRows) {
      head_ = {};
      if (Coder::kEncodes) head_ = P::Describe(rows);
      CodeHead(coder, models, rows, head_);
    } else {
      rows.rows = block.rows;
      rows.values += block.first * rows.columns;
      if (rows.kept != nullptr) rows.kept += block.first * rows.columns;
    }
    if (block.kind != BlockPlan::Kind::kHead) CodeRows(coder, models, head_, rows, block.first);
  }

  std::vector<Tensor> tensors_;
  typename P::CodedHead head_;
};

}  // namespace

std::vector<BlockPlan> PlanOf(std::span<const Tensor> tensors) {
  using Kind = BlockPlan::Kind;
  std::vector<BlockPlan> plan;
  std::int64_t grouped = 0;
  bool open = false;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& tensor = tensors[i];
    if (tensor.elements > kMostGrouped && tensor.IsFloat()) {
      open = false;
      plan.push_back({Kind::kHead, i, 1, 0, 0});
      const auto rows = tensor.floats.rows;
      const auto stripe = StripeOf(tensor.floats);
      for (std::int64_t first = 0; first < rows; first += stripe)
        plan.push_back({Kind::kRows, i, 1, first, std::min(stripe, rows - first)});
      continue;
    }
    if (!open || grouped + tensor.elements > kMostGrouped) {
      plan.push_back({Kind::kGroup, i, 0, 0, 0});
      grouped = 0;
      open = true;
    }
    ++plan.back().tensors;
    grouped += tensor.elements;
  }
  return plan;
}

std::unique_ptr<Blocks> Blocks::Make(Profile profile, std::vector<Tensor> tensors) {
  if (profile == Profile::kHuffman) return std::make_unique<BlocksOf<Huffman>>(std::move(tensors));
  return std::make_unique<BlocksOf<Compact>>(std::move(tensors));
}

}  // namespace torch_prune::coded
