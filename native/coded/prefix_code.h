#pragma once
#include <array>
#include <cstdint>
#include <vector>

namespace torch_prune::coded {

inline constexpr int kLongestCode = 15;
// A length as it stands in files.
inline constexpr int kLengthBits = 4;

// The lengths of Huffman codes for symbols that are so frequent: 0 for those that do not occur. A single one
// gets 1.
std::vector<std::uint8_t> LengthsOf(std::vector<std::uint64_t> counts);
// How many bits these symbols take under these lengths.
std::uint64_t SizeOf(const std::vector<std::uint64_t>& counts, const std::vector<std::uint8_t>& lengths);

// The canonical code of such lengths: codes of a length are in the order of their symbols, and follow the
// shorter ones.
class PrefixCode {
 public:
  // Files bring lengths that fit no code: `fits` says whether they do.
  explicit PrefixCode(const std::vector<std::uint8_t>& lengths);
  bool fits() const { return fits_; }

  template <typename Coder>
  std::uint32_t Code(Coder& coder, std::uint32_t symbol) const {
    if constexpr (Coder::kEncodes) {
      coder.Bits(codes_[symbol], lengths_[symbol]);
      return symbol;
    } else {
      std::uint32_t code = 0;
      for (int length = 1; length <= kLongestCode; ++length) {
        code = code << 1 | coder.Bits(0, 1);
        const std::uint32_t place = code - first_[length];
        if (code >= first_[length] && place < count_[length]) return symbols_[begin_[length] + place];
      }
      coder.Refuse("a code that stands for nothing");
    }
  }

 private:
  std::vector<std::uint8_t> lengths_;
  std::vector<std::uint32_t> codes_, symbols_;
  // For each length its first code, how many it has, and where its symbols begin.
  std::array<std::uint32_t, kLongestCode + 1> first_{}, count_{}, begin_{};
  bool fits_ = true;
};

}  // namespace torch_prune::coded
