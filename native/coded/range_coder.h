#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "damage.h"

// Binary range coding with 32-bit ranges and carries (as in LZMA), of bits whose probabilities of being 1
// have 16 bits. The encoder and the decoder have the same calls, so that one template serves both directions:
// the decoder ignores the bits that it is given, and both return the bits of the stream.
namespace torch_prune::coded {

inline constexpr std::uint32_t kLeastRange = 1u << 24;
inline constexpr int kProbabilityBits = 16;
// Of the last bytes of a stream, at most so many are left out where they are zeros.
inline constexpr std::size_t kImplied = 4;

class RangeEncoder {
 public:
  static constexpr bool kEncodes = true;

  // `probability` is that of a 1, in 1..65535 of 65536.
  int Bit(int bit, std::uint32_t probability) {
    const std::uint32_t bound = (range_ >> kProbabilityBits) * probability;
    if (bit) {
      range_ = bound;
    } else {
      low_ += bound;
      range_ -= bound;
    }
    while (range_ < kLeastRange) Shift();
    return bit;
  }

  // Up to 8 bits whose values are equally likely.
  std::uint32_t Bits(std::uint32_t bits, int count) {
    range_ >>= count;
    low_ += static_cast<std::uint64_t>(range_) * bits;
    while (range_ < kLeastRange) Shift();
    return bits;
  }

  // Only a decoder finds damage.
  void Refuse(const char*) const {}

  std::vector<std::uint8_t> Finish() {
    // The roundest number in the range: zeros at the end need not be stored.
    for (int zeros = 32; zeros > 0; --zeros) {
      const std::uint64_t unit = std::uint64_t{1} << zeros;
      const std::uint64_t value = (low_ + unit - 1) / unit * unit;
      if (value < low_ + range_) {
        low_ = value;
        break;
      }
    }
    for (int i = 0; i < 5; ++i) Shift();
    for (std::size_t i = 0; i < kImplied && !bytes_.empty() && bytes_.back() == 0; ++i) bytes_.pop_back();
    return std::move(bytes_);
  }

 private:
  void Shift() {
    if (low_ < 0xff000000u || low_ >> 32 != 0) {
      const auto carry = static_cast<std::uint8_t>(low_ >> 32);
      // The first byte that would be written is always 0.
      if (started_) bytes_.push_back(static_cast<std::uint8_t>(cache_ + carry));
      started_ = true;
      for (; pending_ > 0; --pending_) bytes_.push_back(static_cast<std::uint8_t>(0xff + carry));
      cache_ = static_cast<std::uint8_t>(low_ >> 24);
    } else {
      ++pending_;
    }
    range_ <<= 8;
    low_ = (low_ & 0x00ffffffu) << 8;
  }

  std::vector<std::uint8_t> bytes_;
  std::uint64_t low_ = 0;
  std::uint32_t range_ = 0xffffffffu;
  std::uint8_t cache_ = 0;
  std::size_t pending_ = 0;
  bool started_ = false;
};

class RangeDecoder {
 public:
  static constexpr bool kEncodes = false;

  explicit RangeDecoder(std::span<const std::uint8_t> bytes) : bytes_(bytes) {
    for (int i = 0; i < kAhead; ++i) code_ = code_ << 8 | Next();
  }

  int Bit(int, std::uint32_t probability) {
    const std::uint32_t bound = (range_ >> kProbabilityBits) * probability;
    const int bit = code_ < bound;
    if (bit) {
      range_ = bound;
    } else {
      code_ -= bound;
      range_ -= bound;
    }
    while (range_ < kLeastRange) Shift();
    return bit;
  }

  std::uint32_t Bits(std::uint32_t, int count) {
    range_ >>= count;
    const std::uint32_t bits = code_ / range_;
    if (bits >> count != 0) Refuse("a code that stands for nothing");
    code_ -= bits * range_;
    while (range_ < kLeastRange) Shift();
    return bits;
  }

  [[noreturn]] void Refuse(const char* what) const { throw Damage(what, read_); }

  // How many bits what has been decoded takes: what the range has been divided by, as a power of 2.
  double Taken() const { return 8 * (static_cast<double>(read_) - kAhead) + 32 - std::log2(range_); }

  // Throws unless the stream has been read to its end.
  void Finish() const {
    if (read_ < bytes_.size()) Refuse("bytes that belong to nothing");
  }

 private:
  // So many bytes are read before the first bit.
  static constexpr int kAhead = 4;

  std::uint32_t Next() {
    const auto at = read_++;
    if (at < bytes_.size()) return bytes_[at];
    if (at >= bytes_.size() + kImplied) throw Damage("a block that ends too early", bytes_.size());
    return 0;
  }
  void Shift() {
    range_ <<= 8;
    code_ = code_ << 8 | Next();
  }

  std::span<const std::uint8_t> bytes_;
  std::size_t read_ = 0;
  std::uint32_t range_ = 0xffffffffu;
  std::uint32_t code_ = 0;
};

}  // namespace torch_prune::coded
