#include "max_pool.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "../kernels/dispatch.h"
#include "../kernels/max_pool.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace torch_prune {
namespace {

struct Shape {
  std::int64_t height, width, out_height, out_width;
};

// Computes the largest of four elements and its position among them. As in PyTorch, the first of equal
// elements wins, and NaN wins over everything.
TORCH_PRUNE_INLINE void ForwardPlanes(const float* in, float* out, std::uint8_t* place, const Shape& s,
                                      std::int64_t begin, std::int64_t end) {
  for (std::int64_t row = begin * s.out_height; row < end * s.out_height; ++row) {
    const float* upper = in + ((row / s.out_height) * s.height + 2 * (row % s.out_height)) * s.width;
    const float* lower = upper + s.width;
    float* largest = out + row * s.out_width;
    std::uint8_t* best = place + row * s.out_width;
    for (std::int64_t x = 0; x < s.out_width; ++x) {
      const float candidates[] = {upper[2 * x], upper[2 * x + 1], lower[2 * x], lower[2 * x + 1]};
      float value = candidates[0];
      std::int32_t index = 0;
      for (std::int32_t i = 1; i < 4; ++i) {
        const bool better = candidates[i] > value || candidates[i] != candidates[i];
        value = better ? candidates[i] : value;
        index = better ? i : index;
      }
      largest[x] = value;
      best[x] = static_cast<std::uint8_t>(index);
    }
  }
}

TORCH_PRUNE_INLINE void BackwardPlanes(const float* gradient, const std::uint8_t* place, float* in,
                                       const Shape& s, std::int64_t begin, std::int64_t end) {
  for (std::int64_t row = begin * s.out_height; row < end * s.out_height; ++row) {
    float* upper = in + ((row / s.out_height) * s.height + 2 * (row % s.out_height)) * s.width;
    float* lower = upper + s.width;
    const float* value = gradient + row * s.out_width;
    const std::uint8_t* best = place + row * s.out_width;
    for (std::int64_t x = 0; x < s.out_width; ++x) {
      upper[2 * x] = best[x] == 0 ? value[x] : 0.0F;
      upper[2 * x + 1] = best[x] == 1 ? value[x] : 0.0F;
      lower[2 * x] = best[x] == 2 ? value[x] : 0.0F;
      lower[2 * x + 1] = best[x] == 3 ? value[x] : 0.0F;
    }
  }
}

using Forward = void (*)(const float*, float*, std::uint8_t*, const Shape&, std::int64_t, std::int64_t);
using Backward = void (*)(const float*, const std::uint8_t*, float*, const Shape&, std::int64_t,
                          std::int64_t);

void ForwardBaseline(const float* in, float* out, std::uint8_t* place, const Shape& s, std::int64_t b,
                     std::int64_t e) {
  ForwardPlanes(in, out, place, s, b, e);
}
void BackwardBaseline(const float* g, const std::uint8_t* place, float* in, const Shape& s, std::int64_t b,
                      std::int64_t e) {
  BackwardPlanes(g, place, in, s, b, e);
}
#if defined(__x86_64__)
// Indices of the even and the odd elements among 32 in two registers, and indices to interleave them again.
TORCH_PRUNE_AVX512 inline __m512i Evens() {
  return _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
}
TORCH_PRUNE_AVX512 inline __m512i Odds() {
  return _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
}
TORCH_PRUNE_AVX512 inline __m512i FirstPairs() {
  return _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
TORCH_PRUNE_AVX512 inline __m512i LastPairs() {
  return _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

// The remaining outputs of a row from output x on, out of 16, and the remaining elements out of the 32 under
// them.
struct Tail {
  __mmask16 outputs, first, last;
};
TORCH_PRUNE_AVX512 inline Tail TailOf(std::int64_t outputs) {
  if (outputs >= 16) return {0xFFFF, 0xFFFF, 0xFFFF};
  const std::uint32_t elements = (std::uint64_t{1} << (2 * outputs)) - 1;
  return {static_cast<__mmask16>((1U << outputs) - 1), static_cast<__mmask16>(elements),
          static_cast<__mmask16>(elements >> 16)};
}

TORCH_PRUNE_AVX512 inline void Challenge(__m512& value, __m512i& index, __m512 candidate, int number) {
  const __mmask16 better = _mm512_cmp_ps_mask(candidate, value, _CMP_GT_OQ) |
                           _mm512_cmp_ps_mask(candidate, candidate, _CMP_UNORD_Q);
  value = _mm512_mask_mov_ps(value, better, candidate);
  index = _mm512_mask_mov_epi32(index, better, _mm512_set1_epi32(number));
}

// Computes sixteen windows at a time, which is several times as fast as what the compiler makes of the plain
// loop.
TORCH_PRUNE_AVX512 void ForwardAvx512(const float* in, float* out, std::uint8_t* place, const Shape& s,
                                      std::int64_t begin, std::int64_t end) {
  for (std::int64_t row = begin * s.out_height; row < end * s.out_height; ++row) {
    const float* upper = in + ((row / s.out_height) * s.height + 2 * (row % s.out_height)) * s.width;
    const float* lower = upper + s.width;
    for (std::int64_t x = 0; x < s.out_width; x += 16) {
      const Tail tail = TailOf(s.out_width - x);
      const auto pairs = [&tail, x](const float* from, __m512& even, __m512& odd) TORCH_PRUNE_AVX512 {
        const __m512 first = _mm512_maskz_loadu_ps(tail.first, from + 2 * x);
        const __m512 last = _mm512_maskz_loadu_ps(tail.last, from + 2 * x + 16);
        even = _mm512_permutex2var_ps(first, Evens(), last);
        odd = _mm512_permutex2var_ps(first, Odds(), last);
      };
      __m512 value, upper_odd, lower_even, lower_odd;
      pairs(upper, value, upper_odd);
      pairs(lower, lower_even, lower_odd);
      __m512i index = _mm512_setzero_si512();
      Challenge(value, index, upper_odd, 1);
      Challenge(value, index, lower_even, 2);
      Challenge(value, index, lower_odd, 3);
      _mm512_mask_storeu_ps(out + row * s.out_width + x, tail.outputs, value);
      _mm512_mask_cvtepi32_storeu_epi8(place + row * s.out_width + x, tail.outputs, index);
    }
  }
}

TORCH_PRUNE_AVX512 void BackwardAvx512(const float* gradient, const std::uint8_t* place, float* in,
                                       const Shape& s, std::int64_t begin, std::int64_t end) {
  for (std::int64_t row = begin * s.out_height; row < end * s.out_height; ++row) {
    float* upper = in + ((row / s.out_height) * s.height + 2 * (row % s.out_height)) * s.width;
    float* lower = upper + s.width;
    for (std::int64_t x = 0; x < s.out_width; x += 16) {
      const Tail tail = TailOf(s.out_width - x);
      const __m512 value = _mm512_maskz_loadu_ps(tail.outputs, gradient + row * s.out_width + x);
      const __m512i best = _mm512_maskz_cvtepu8_epi32(
          tail.outputs, _mm_maskz_loadu_epi8(tail.outputs, place + row * s.out_width + x));
      const auto spread = [&](float* to, int number) TORCH_PRUNE_AVX512 {
        const auto at = [&](int which) TORCH_PRUNE_AVX512 {
          return _mm512_maskz_mov_ps(_mm512_cmpeq_epi32_mask(best, _mm512_set1_epi32(which)), value);
        };
        const __m512 even = at(number), odd = at(number + 1);
        _mm512_mask_storeu_ps(to + 2 * x, tail.first, _mm512_permutex2var_ps(even, FirstPairs(), odd));
        _mm512_mask_storeu_ps(to + 2 * x + 16, tail.last, _mm512_permutex2var_ps(even, LastPairs(), odd));
      };
      spread(upper, 0);
      spread(lower, 2);
    }
  }
}
#endif

Forward ChooseForward() {
#if defined(__x86_64__)
  if (BestIsa() == Isa::kAvx512) return ForwardAvx512;
#endif
  return ForwardBaseline;
}

Backward ChooseBackward() {
#if defined(__x86_64__)
  if (BestIsa() == Isa::kAvx512) return BackwardAvx512;
#endif
  return BackwardBaseline;
}

constexpr std::int64_t kGrain = 64;              // the number of planes that make another thread worthwhile
constexpr std::int64_t kFewestPixels = 1 << 15;  // the same in pixels

class MaxPool2x2 : public torch::autograd::Function<MaxPool2x2> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input) {
    const Shape s{input.size(2), input.size(3), input.size(2) / 2, input.size(3) / 2};
    const std::int64_t planes = input.size(0) * input.size(1);
    at::Tensor out = at::empty({input.size(0), input.size(1), s.out_height, s.out_width}, input.options());
    at::Tensor place = at::empty(out.sizes(), at::kByte);
    const auto run = ChooseForward();
    const float* from = input.const_data_ptr<float>();
    float* to = out.mutable_data_ptr<float>();
    auto* best = place.mutable_data_ptr<std::uint8_t>();
    at::parallel_for(0, planes, kGrain,
                     [&](std::int64_t b, std::int64_t e) { run(from, to, best, s, b, e); });
    context->save_for_backward({place});
    context->saved_data["height"] = s.height;
    context->saved_data["width"] = s.width;
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const at::Tensor place = context->get_saved_variables()[0];
    const at::Tensor gradient = gradients[0].contiguous();
    const Shape s{context->saved_data["height"].toInt(), context->saved_data["width"].toInt(), place.size(2),
                  place.size(3)};
    const std::int64_t planes = place.size(0) * place.size(1);
    const std::vector<std::int64_t> shape{place.size(0), place.size(1), s.height, s.width};
    // Windows cover everything except an odd last row or column.
    const bool covered = s.height % 2 == 0 && s.width % 2 == 0;
    at::Tensor in = covered ? at::empty(shape, gradient.options()) : at::zeros(shape, gradient.options());
    const auto run = ChooseBackward();
    const float* from = gradient.const_data_ptr<float>();
    const auto* best = place.const_data_ptr<std::uint8_t>();
    float* to = in.mutable_data_ptr<float>();
    at::parallel_for(0, planes, kGrain,
                     [&](std::int64_t b, std::int64_t e) { run(from, best, to, s, b, e); });
    return {in};
  }
};

// How many windows stand along an axis, as PyTorch counts them.
std::int64_t Windows(std::int64_t size, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                     bool ceil) {
  const std::int64_t room = size + 2 * padding - kernel;
  if (room < 0) return 0;
  const std::int64_t count = (room + (ceil ? stride - 1 : 0)) / stride + 1;
  // None of them begins behind the image.
  return ceil && (count - 1) * stride >= size + padding ? count - 1 : count;
}

// Without a gradient nobody asks where the largest stood.
at::Tensor LargestOnly(const at::Tensor& input, const PoolWindows& windows) {
  const std::int64_t planes = input.size(0) * input.size(1);
  at::Tensor out =
      at::empty({input.size(0), input.size(1), windows.out_height, windows.out_width}, input.options());
  const float* from = input.const_data_ptr<float>();
  float* to = out.mutable_data_ptr<float>();
  const std::int64_t grain = std::max<std::int64_t>(kFewestPixels / (windows.height * windows.width), 1);
  at::parallel_for(0, planes, grain, [&](std::int64_t first, std::int64_t last) {
    std::vector<float> row(windows.width);
    LargestOfWindows(from, windows, first, last, row.data(), to);
  });
  return out;
}

bool AllAre(at::IntArrayRef values, std::int64_t wanted) {
  return values.size() == 2 && values[0] == wanted && values[1] == wanted;
}

}  // namespace

at::Tensor MaxPool(const at::Tensor& input, at::IntArrayRef kernel, at::IntArrayRef stride,
                   at::IntArrayRef padding, bool ceil_mode) {
  const bool plain = input.is_cpu() && input.scalar_type() == at::kFloat && input.dim() == 4 &&
                     input.is_contiguous() && input.numel() > 0;
  const bool derived = at::GradMode::is_enabled() && input.requires_grad();
  const bool padded = 2 * padding[0] <= kernel[0] && 2 * padding[1] <= kernel[1];
  if (plain && padded && !derived) {
    const auto along = [&](int axis) {
      return Windows(input.size(axis + 2), kernel[axis], stride[axis], padding[axis], ceil_mode);
    };
    const PoolWindows windows{
        input.size(2),          input.size(3),           along(0), along(1), {kernel[0], kernel[1]},
        {stride[0], stride[1]}, {padding[0], padding[1]}};
    if (windows.out_height > 0 && windows.out_width > 0) return LargestOnly(input, windows);
  }
  const bool own = plain && AllAre(kernel, 2) && AllAre(stride, 2) && AllAre(padding, 0) && !ceil_mode;
  return own ? MaxPool2x2::apply(input) : at::max_pool2d(input, kernel, stride, padding, {1, 1}, ceil_mode);
}

}  // namespace torch_prune
