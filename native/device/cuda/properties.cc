#include "../properties.h"

#include <c10/cuda/CUDAException.h>
#include <cuda_runtime_api.h>

// Built only where the headers of the CUDA runtime are (CMakeLists.txt).
namespace torch_prune {
namespace {

const DevicePropertiesKind kCuda([](const c10::Device& device) {
  cudaDeviceProp found;
  C10_CUDA_CHECK(cudaGetDeviceProperties(&found, device.index()));
  DeviceProperties properties;
  properties.name = found.name;
  properties.capability = std::to_string(found.major) + "." + std::to_string(found.minor);
  properties.memory = static_cast<double>(found.totalGlobalMem);
  properties.processors = found.multiProcessorCount;
  return properties;
});

}  // namespace
}  // namespace torch_prune
