#include "autocast.h"

#include <ATen/autocast_mode.h>

namespace torch_prune {

at::ScalarType DtypeOf(AutocastTo wanted) {
  if (wanted == AutocastTo::kNone) return at::kFloat;
  return wanted == AutocastTo::kFloat16 ? at::kHalf : at::kBFloat16;
}

Autocast::Autocast(const at::Device& device, AutocastTo wanted)
    : wanted_(wanted != AutocastTo::kNone), type_(device.type()) {
  if (!wanted_) return;
  enabled_before_ = at::autocast::is_autocast_enabled(type_);
  dtype_before_ = at::autocast::get_autocast_dtype(type_);
  at::autocast::set_autocast_enabled(type_, true);
  at::autocast::set_autocast_dtype(type_, DtypeOf(wanted));
  at::autocast::increment_nesting();
}

Autocast::~Autocast() {
  if (!wanted_) return;
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(type_, enabled_before_);
  at::autocast::set_autocast_dtype(type_, dtype_before_);
}

}  // namespace torch_prune
