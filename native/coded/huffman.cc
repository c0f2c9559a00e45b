#include "huffman.h"

#include <algorithm>
#include <limits>
#include <map>
#include <unordered_map>

#include "bits.h"
#include "half.h"

namespace torch_prune::coded {
namespace {

constexpr int kWidthBits = 4;
constexpr int kMostWidth = 8;

template <typename Coder>
std::uint32_t CodeValue(Coder& coder, std::uint32_t value, bool half) {
  if (!half) {
    value = coder.Bits(value, 32);
  } else if constexpr (Coder::kEncodes) {
    coder.Bits(*HalfOfFloat(value), 16);
  } else {
    value = FloatOfHalf(coder.Bits(0, 16));
  }
  if ((value & 0x7fffffffu) > 0x7f800000u) coder.Refuse("a value that is not a number");
  return value;
}

template <typename Coder>
void CodeLengths(Coder& coder, std::vector<std::uint8_t>& lengths, std::size_t count,
                 std::optional<PrefixCode>& code) {
  lengths.resize(count);
  for (auto& length : lengths) length = static_cast<std::uint8_t>(coder.Bits(length, kLengthBits));
  code.emplace(lengths);
  if (!code->fits()) coder.Refuse("lengths of codes that do not fit together");
}

// How often what distance is between places of a stripe, and from its beginning to the first.
std::map<std::int64_t, std::uint64_t> GapsOf(const Matrix& matrix, std::int64_t stripe) {
  std::map<std::int64_t, std::uint64_t> gaps;
  std::int64_t gap = 0;
  for (std::int64_t at = 0; at < matrix.size(); ++at) {
    if (at % (stripe * matrix.columns) == 0) gap = 0;
    if (matrix.Stands(at)) {
      ++gaps[gap];
      gap = 0;
    } else {
      ++gap;
    }
  }
  return gaps;
}

void ChooseWidth(HuffmanHead& head, const std::map<std::int64_t, std::uint64_t>& gaps) {
  auto least = std::numeric_limits<std::uint64_t>::max();
  for (int width = 1; width <= kMostWidth; ++width) {
    const std::int64_t filler = (1 << width) - 1;
    std::vector<std::uint64_t> counts(std::size_t{1} << width);
    for (const auto& [gap, count] : gaps) {
      counts[filler] += static_cast<std::uint64_t>(gap / filler) * count;
      counts[gap % filler] += count;
    }
    auto lengths = LengthsOf(counts);
    const auto size = SizeOf(counts, lengths) + kLengthBits * counts.size();
    if (size >= least) continue;
    least = size;
    head.width = width;
    head.gap_lengths = std::move(lengths);
  }
}

}  // namespace

template <typename Coder>
void CodeHead(Coder& coder, HuffmanModels&, const Matrix&, HuffmanHead& head) {
  head.sparse = coder.Bits(head.sparse, 1) != 0;
  if (head.sparse) {
    head.width = static_cast<int>(coder.Bits(static_cast<std::uint32_t>(head.width), kWidthBits));
    if (head.width < 1 || head.width > kMostWidth) coder.Refuse("a width of positions that is not in 1..8");
    CodeLengths(coder, head.gap_lengths, std::size_t{1} << head.width, head.gaps);
  }
  head.is_shared = coder.Bits(head.is_shared, 1) != 0;
  head.half = coder.Bits(head.half, 1) != 0;
  if (!head.is_shared) return;
  head.shared.resize(coder.Bits(static_cast<std::uint32_t>(head.shared.size() - 1), kSharedBits) + 1);
  for (auto& value : head.shared) value = CodeValue(coder, value, head.half);
  CodeLengths(coder, head.value_lengths, head.shared.size(), head.values);
}

template <typename Coder>
void CodeRows(Coder& coder, HuffmanModels&, const HuffmanHead& head, const Matrix& rows, std::int64_t) {
  std::unordered_map<std::uint32_t, std::uint32_t> places;
  if (Coder::kEncodes) {
    for (std::size_t i = 0; i < head.shared.size(); ++i)
      places[head.shared[i]] = static_cast<std::uint32_t>(i);
  }
  const auto code = [&](std::int64_t at) {
    const auto value = rows.values[at];
    const auto coded =
        head.is_shared
            ? head.shared[head.values->Code(coder, Coder::kEncodes ? places.find(value)->second : 0)]
            : CodeValue(coder, value, head.half);
    if (!Coder::kEncodes) rows.values[at] = coded;
  };
  if (!head.sparse) {
    for (std::int64_t at = 0; at < rows.size(); ++at) code(at);
    if (!Coder::kEncodes && rows.kept != nullptr) std::fill_n(rows.kept, rows.size(), 1);
    return;
  }
  std::int64_t standing = 0;
  if (Coder::kEncodes) {
    for (std::int64_t at = 0; at < rows.size(); ++at) standing += rows.Stands(at);
  }
  standing = coder.Bits(static_cast<std::uint32_t>(standing), 32);
  if (standing > rows.size()) coder.Refuse("more values than a tensor has places");
  const std::int64_t filler = (1 << head.width) - 1;
  for (std::int64_t at = 0; standing > 0; ++at, --standing) {
    if constexpr (Coder::kEncodes) {
      std::int64_t gap = 0;
      for (; !rows.Stands(at); ++at) ++gap;
      for (; gap >= filler; gap -= filler) head.gaps->Code(coder, static_cast<std::uint32_t>(filler));
      head.gaps->Code(coder, static_cast<std::uint32_t>(gap));
    } else {
      std::int64_t gap;
      do {
        gap = head.gaps->Code(coder, 0);
        at += gap;
        if (at >= rows.size()) coder.Refuse("a position outside its tensor");
      } while (gap == filler);
      if (rows.kept != nullptr) rows.kept[at] = 1;
    }
    code(at);
  }
}

template <typename Coder>
void CodeBytes(Coder& coder, HuffmanModels&, std::uint8_t* bytes, std::int64_t count, int) {
  for (std::int64_t i = 0; i < count; ++i) {
    const auto byte = coder.Bits(bytes[i], 8);
    if (!Coder::kEncodes) bytes[i] = static_cast<std::uint8_t>(byte);
  }
}

HuffmanHead HuffmanHeadOf(const Matrix& matrix, const Survey& survey, std::int64_t stripe) {
  HuffmanHead head;
  head.sparse = survey.standing < matrix.size();
  if (head.sparse) ChooseWidth(head, GapsOf(matrix, stripe));
  head.is_shared = !survey.shared.empty();
  head.shared = survey.shared;
  const auto is_half = [](std::uint32_t value) { return HalfOfFloat(value).has_value(); };
  if (!head.is_shared) {
    head.half = true;
    for (std::int64_t at = 0; at < matrix.size() && head.half; ++at)
      head.half = !matrix.Stands(at) || is_half(matrix.values[at]);
    return head;
  }
  head.half = std::all_of(head.shared.begin(), head.shared.end(), is_half);
  std::unordered_map<std::uint32_t, std::size_t> places;
  for (std::size_t i = 0; i < head.shared.size(); ++i) places[head.shared[i]] = i;
  std::vector<std::uint64_t> counts(head.shared.size());
  for (std::int64_t at = 0; at < matrix.size(); ++at) {
    if (matrix.Stands(at)) ++counts[places[matrix.values[at]]];
  }
  head.value_lengths = LengthsOf(counts);
  return head;
}

template void CodeHead(BitEncoder&, HuffmanModels&, const Matrix&, HuffmanHead&);
template void CodeHead(BitDecoder&, HuffmanModels&, const Matrix&, HuffmanHead&);
template void CodeRows(BitEncoder&, HuffmanModels&, const HuffmanHead&, const Matrix&, std::int64_t);
template void CodeRows(BitDecoder&, HuffmanModels&, const HuffmanHead&, const Matrix&, std::int64_t);
template void CodeBytes(BitEncoder&, HuffmanModels&, std::uint8_t*, std::int64_t, int);
template void CodeBytes(BitDecoder&, HuffmanModels&, std::uint8_t*, std::int64_t, int);

}  // namespace torch_prune::coded
