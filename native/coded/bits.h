#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "damage.h"

// Streams of bits, the highest of each byte first. As with range coding, both directions have the same calls.
namespace torch_prune::coded {

class BitEncoder {
 public:
  static constexpr bool kEncodes = true;

  // Up to 32 bits.
  std::uint32_t Bits(std::uint32_t bits, int count) {
    held_ = held_ << count | bits;
    for (count_ += count; count_ >= 8; count_ -= 8)
      bytes_.push_back(static_cast<std::uint8_t>(held_ >> (count_ - 8)));
    held_ &= (std::uint64_t{1} << count_) - 1;
    return bits;
  }
  void Refuse(const char*) const {}
  std::vector<std::uint8_t> Finish() {
    if (count_ > 0) Bits(0, 8 - count_);
    return std::move(bytes_);
  }

 private:
  std::vector<std::uint8_t> bytes_;
  std::uint64_t held_ = 0;
  int count_ = 0;
};

class BitDecoder {
 public:
  static constexpr bool kEncodes = false;

  explicit BitDecoder(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::uint32_t Bits(std::uint32_t, int count) {
    while (count_ < count) {
      if (read_ == bytes_.size()) Refuse("a block that ends too early");
      held_ = held_ << 8 | bytes_[read_++];
      count_ += 8;
    }
    count_ -= count;
    const auto bits = static_cast<std::uint32_t>(held_ >> count_);
    held_ &= (std::uint64_t{1} << count_) - 1;
    return bits;
  }
  [[noreturn]] void Refuse(const char* what) const { throw Damage(what, read_); }
  // How many bits what has been decoded takes.
  double Taken() const { return 8 * static_cast<double>(read_) - count_; }
  // Throws unless the stream has been read to its end, and its last bits are 0.
  void Finish() const {
    if (read_ < bytes_.size() || held_ != 0) Refuse("bytes that belong to nothing");
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t read_ = 0;
  std::uint64_t held_ = 0;
  int count_ = 0;
};

}  // namespace torch_prune::coded
