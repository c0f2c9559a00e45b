#include "snapshot.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/StorageImpl.h>
#include <c10/core/impl/COW.h>

namespace torch_prune {

at::Tensor Snapshot(const at::Tensor& tensor) {
  const at::NoGradGuard no_grad;
  const at::Tensor plain = tensor.detach();
  // On a GPU, recorded steps write to memory by its address, which is not to be shared with anybody.
  if (plain.has_storage() && plain.is_cpu()) {
    const auto& storage = *plain.storage().unsafeGetStorageImpl();
    // Memory that belongs to somebody else, such as that of an array, cannot be shared like this.
    if (c10::impl::cow::has_simple_data_ptr(storage) || c10::impl::cow::is_cow_data_ptr(storage.data_ptr()))
      return at::_lazy_clone(plain);
  }
  return plain.clone();
}

}  // namespace torch_prune
