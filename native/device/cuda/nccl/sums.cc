#include "../../sums.h"

#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAGuard.h>

#include <vector>

// What is in libtorch, whose builds with NCCL define it for themselves alone.
#define USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

// Built only where the headers of NCCL are (CMakeLists.txt).
namespace torch_prune {
namespace {

class NcclSums final : public DeviceSums {
 public:
  explicit NcclSums(const Place& place) {
    auto options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = place.timeout;
    nccl_ = c10::make_intrusive<c10d::ProcessGroupNCCL>(place.store, place.rank, place.size, options);
  }

  c10::intrusive_ptr<c10d::Work> Start(const at::Tensor& flat) override {
    const c10::cuda::CUDAGuard on(flat.device());
    std::vector<at::Tensor> one{flat};
    return nccl_->allreduce(one);
  }
  void Abort() override { nccl_->abort(); }

 private:
  c10::intrusive_ptr<c10d::ProcessGroupNCCL> nccl_;
};

// The same in all processes and containers of a machine, whatever they see of its GPUs.
std::string Identity(const at::Device& device) {
  const auto& bytes = at::cuda::getDeviceProperties(device.index())->uuid.bytes;
  return {bytes, sizeof(bytes)};
}

const DeviceSumsKind kNccl({[](const DeviceSums::Place& place) {
                              return std::unique_ptr<DeviceSums>(std::make_unique<NcclSums>(place));
                            },
                            Identity});

}  // namespace
}  // namespace torch_prune
