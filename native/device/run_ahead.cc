#include "run_ahead.h"

#include <c10/core/impl/VirtualGuardImpl.h>

namespace torch_prune {

void RunAhead::Step() {
  if (device_.is_cpu()) return;
  auto& event = events_[next_];
  next_ = (next_ + 1) % events_.size();
  if (event) {
    event->synchronize();
  } else {
    event.emplace(device_.type());
  }
  event->record(c10::impl::VirtualGuardImpl(device_.type()).getStream(device_));
}

}  // namespace torch_prune
