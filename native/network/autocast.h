#pragma once
#include <ATen/core/Tensor.h>

#include "../base/field_types.h"

namespace torch_prune {

// What networks compute in: their own dtype, or what torch.autocast chooses.
enum class AutocastTo { kNone, kBfloat16, kFloat16 };
template <>
struct WordsOf<AutocastTo> {
  static constexpr std::array kWords{Word{"none", AutocastTo::kNone}, Word{"bfloat16", AutocastTo::kBfloat16},
                                     Word{"float16", AutocastTo::kFloat16}};
};

// The dtype that products are computed in; float32 where networks compute in their own.
at::ScalarType DtypeOf(AutocastTo wanted);

// While it lives, this thread computes in that dtype where torch.autocast does. Weights that were converted
// meanwhile are forgotten with it: one step of training at most, since then they change.
class Autocast {
 public:
  Autocast(const at::Device& device, AutocastTo wanted);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  const bool wanted_;
  const at::DeviceType type_;
  bool enabled_before_ = false;
  at::ScalarType dtype_before_ = at::kBFloat16;
};

}  // namespace torch_prune
