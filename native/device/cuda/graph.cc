#include "../graph.h"

#include <ATen/ATen.h>
#include <ATen/cuda/CUDAGeneratorImpl.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>

#include <optional>

// Built only where the headers of the CUDA runtime are (CMakeLists.txt).
namespace torch_prune {
namespace {

// The stream that this thread records on. One is enough, and cuBLAS keeps a workspace for each.
c10::cuda::CUDAStream RecordingStream(c10::DeviceIndex device) {
  thread_local std::optional<c10::cuda::CUDAStream> stream;
  if (!stream || stream->device_index() != device)
    stream = c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device);
  return *stream;
}

// Lets a graph draw from a generator other than the default one. libtorch 2.14 finds it out by itself.
template <typename Graph, typename Implementation>
void Register(Graph& graph, Implementation& generator) {
  if constexpr (requires { generator.register_graph(&graph); }) generator.register_graph(&graph);
}

class CudaGraph final : public DeviceGraph {
 public:
  CudaGraph(const at::Device& device, const at::Generator& generator)
      : device_(device), generator_(generator) {}

  void Record(const std::function<void()>& work) override {
    const c10::cuda::CUDAGuard on(device_);
    auto* implementation = at::check_generator<at::CUDAGeneratorImpl>(generator_);
    // What earlier steps have launched must be over, and what they allocated be free.
    c10::cuda::device_synchronize();
    c10::cuda::CUDACachingAllocator::emptyCache();
    const c10::cuda::CUDAStreamGuard recording(RecordingStream(device_.index()));
    Register(graph_, *implementation);
    // The other threads of the process go on allocating meanwhile.
    graph_.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
    try {
      work();
    } catch (...) {
      Abandon();
      throw;
    }
    graph_.capture_end();
  }

  void Replay() override {
    const c10::cuda::CUDAGuard on(device_);
    graph_.replay();
  }

 private:
  // Ends a recording that failed: the stream is usable again.
  void Abandon() {
    try {
      graph_.capture_end();
    } catch (const std::exception&) {
      // It says again what made it fail.
    }
    (void)cudaGetLastError();
  }

  const at::Device device_;
  at::Generator generator_;
  at::cuda::CUDAGraph graph_;
};

const DeviceGraphKind kCudaGraph([](const at::Device& device, const at::Generator& generator) {
  return std::unique_ptr<DeviceGraph>(std::make_unique<CudaGraph>(device, generator));
});

}  // namespace
}  // namespace torch_prune
