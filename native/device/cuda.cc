#include "cuda.h"

#include <ATen/Context.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <torch/cuda.h>

#include "../base/arguments.h"
#include "../base/fields.h"
#include "graph.h"
#include "memory.h"
#include "properties.h"
#include "sums.h"

namespace torch_prune {
namespace {

struct CudaOptions {
  std::optional<bool> tf32, benchmark, deterministic;  // those that are undefined stay as they are
};
const auto kCudaFields = Fields<CudaOptions>("cuda", Field("tf32", &CudaOptions::tf32),
                                             Field("benchmark", &CudaOptions::benchmark),
                                             Field("deterministic", &CudaOptions::deterministic));

// cudaConfigure({tf32?, benchmark?, deterministic?}): for the whole process; returns what is set then.
Napi::Value Configure(const Napi::CallbackInfo& info) {
  const auto options = kCudaFields.Read(info[0], "options");
  auto& context = at::globalContext();
  if (options.tf32) {
    context.setAllowTF32CuDNN(*options.tf32);
    context.setAllowTF32CuBLAS(*options.tf32);
  }
  if (options.benchmark) context.setBenchmarkCuDNN(*options.benchmark);
  if (options.deterministic) {
    context.setDeterministicCuDNN(*options.deterministic);
    context.setDeterministicAlgorithms(*options.deterministic, /*warn_only=*/false);
  }
  auto result = Napi::Object::New(info.Env());
  result.Set("tf32", context.allowTF32CuDNN());
  result.Set("benchmark", context.benchmarkCuDNN());
  result.Set("deterministic", context.deterministicCuDNN());
  return result;
}

// cudaMemory(device): bytes, {allocated, reserved, peak, free, total}; free and total are 0 if libtorch
// cannot tell. Undefined for the CPU.
Napi::Value Memory(const Napi::CallbackInfo& info) {
  const auto device = ToDevice(info[0], "device");
  if (device.is_cpu()) return info.Env().Undefined();
  const auto memory = DeviceMemory::Of(device).value_or(DeviceMemory{});
  const auto stats = c10::getDeviceAllocator(device.type())->getDeviceStats(device.index());
  auto result = Napi::Object::New(info.Env());
  result.Set("allocated", static_cast<double>(stats.allocated_bytes[0].current));
  result.Set("peak", static_cast<double>(stats.allocated_bytes[0].peak));
  result.Set("reserved", static_cast<double>(stats.reserved_bytes[0].current));
  result.Set("free", static_cast<double>(memory.free));
  result.Set("total", static_cast<double>(memory.total));
  return result;
}

// cudaEmptyCache(): gives memory that no tensor uses back to the devices.
Napi::Value EmptyCache(const Napi::CallbackInfo& info) {
  if (torch::cuda::is_available()) {
    at::globalContext().lazyInitDevice(at::kCUDA);
    const auto alone = BetweenRecordings();
    c10::getDeviceAllocator(at::kCUDA)->emptyCache();
  }
  return info.Env().Undefined();
}

// cudaProperties(device): {name, capability, memory, processors}; undefined for the CPU, and if the addon
// was built without the headers of the CUDA runtime.
Napi::Value Properties(const Napi::CallbackInfo& info) {
  const auto device = ToDevice(info[0], "device");
  const auto properties = device.is_cpu() ? std::nullopt : DeviceProperties::Of(device);
  if (!properties) return info.Env().Undefined();
  auto result = Napi::Object::New(info.Env());
  result.Set("name", properties->name);
  result.Set("capability", properties->capability);
  result.Set("memory", properties->memory);
  result.Set("processors", properties->processors);
  return result;
}

// cudaGraphs(): whether this build can capture steps.
Napi::Value Graphs(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), DeviceGraph::Built());
}

// cudaNccl(): whether this build sums gradients on GPUs.
Napi::Value Nccl(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), DeviceSums::Built());
}

}  // namespace

void RegisterCuda(Napi::Object exports) {
  Export<Configure>(exports, "cudaConfigure");
  Export<Memory>(exports, "cudaMemory");
  Export<EmptyCache>(exports, "cudaEmptyCache");
  Export<Properties>(exports, "cudaProperties");
  Export<Graphs>(exports, "cudaGraphs");
  Export<Nccl>(exports, "cudaNccl");
}

}  // namespace torch_prune
