#include "../../sums.h"

#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/util/env.h>

#include <thread>
#include <vector>

// What is in libtorch, whose builds with NCCL define it for themselves alone.
#define USE_C10D_NCCL
#include <torch/csrc/cuda/nccl.h>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

// Built only where the headers of NCCL are (CMakeLists.txt).
namespace torch_prune {
namespace {

class NcclSums final : public DeviceSums {
 public:
  explicit NcclSums(const Place& place) {
    // NCCL's watchdog would end this process, or keep it, where another one is gone: who waits for a sum
    // notices. Without it nobody takes events back from its recorder, which is off, too.
    c10::utils::set_env("TORCH_NCCL_BLOCKING_WAIT", "1", /*overwrite=*/false);
    c10::utils::set_env("TORCH_NCCL_ASYNC_ERROR_HANDLING", "0", /*overwrite=*/false);
    c10::utils::set_env("TORCH_NCCL_ENABLE_MONITORING", "0", /*overwrite=*/false);
    c10::utils::set_env("TORCH_NCCL_TRACE_BUFFER_SIZE", "0", /*overwrite=*/false);
    c10::utils::set_env("TORCH_FR_BUFFER_SIZE", "0", /*overwrite=*/false);
    auto options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = place.timeout;
    nccl_ = c10::make_intrusive<c10d::ProcessGroupNCCL>(place.store, place.rank, place.size, options);
  }

  ~NcclSums() override {
    if (nccl_) Abort();
  }
  NcclSums(const NcclSums&) = delete;
  NcclSums& operator=(const NcclSums&) = delete;

  void Connect(const at::Device& device) override { nccl_->eagerConnectSingleDevice(device); }
  c10::intrusive_ptr<c10d::Work> Start(const at::Tensor& flat) override {
    const c10::cuda::CUDAGuard on(flat.device());
    std::vector<at::Tensor> one{flat};
    return nccl_->allreduce(one);
  }
  // On a thread of its own, since it may wait for processes that are gone.
  void Abort() override {
    std::thread([nccl = std::move(nccl_)] {
      try {
        nccl->abort();
      } catch (const std::exception&) {
        // It says that it could not wait for them.
      }
    }).detach();
  }

 private:
  c10::intrusive_ptr<c10d::ProcessGroupNCCL> nccl_;
};

// Options hold a structure of NCCL's, whose size differs from version to version.
bool HeaderFits() {
  constexpr std::uint64_t kHeader =
      std::uint64_t{NCCL_MAJOR} << 32 | std::uint64_t{NCCL_MINOR} << 16 | std::uint64_t{NCCL_PATCH};
  return torch::cuda::nccl::version() == kHeader;
}

// The same in all processes and containers of a machine, whatever they see of its GPUs.
std::string Identity(const at::Device& device) {
  if (!HeaderFits()) return "";
  const auto& bytes = at::cuda::getDeviceProperties(device.index())->uuid.bytes;
  return {bytes, sizeof(bytes)};
}

const DeviceSumsKind kNccl({[](const DeviceSums::Place& place) {
                              return std::unique_ptr<DeviceSums>(std::make_unique<NcclSums>(place));
                            },
                            Identity});

}  // namespace
}  // namespace torch_prune
