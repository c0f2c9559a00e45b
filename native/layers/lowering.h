#pragma once
#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <variant>

// What layers compute, for inference: what is said here can be folded into its neighbors and computed in more
// than one way. Of all other layers inference knows only how they run.
namespace torch_prune {

// How the kernel of a convolution goes over an image.
struct Window {
  std::array<std::int64_t, 2> stride, padding, dilation;
  std::int64_t groups;
};

// Sums of inputs by weights: a fully connected layer, or, with a window, a convolution.
struct Product {
  at::Tensor weight, bias;  // as they take effect; bias may be undefined
  std::optional<Window> window = std::nullopt;
};

// x * scale + shift, each channel by its own.
struct ChannelAffine {
  at::Tensor scale, shift;
};

// Every number on its own, into these bounds.
struct Clamp {
  float lowest = -std::numeric_limits<float>::infinity();
  float highest = std::numeric_limits<float>::infinity();
};

// Its input, as it is.
struct Identity {};

using Lowering = std::variant<std::monostate, Product, ChannelAffine, Clamp, Identity>;

}  // namespace torch_prune
