#include "../graph.h"

#include <ATen/ATen.h>
#include <ATen/cuda/CUDAGeneratorImpl.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/core/InferenceMode.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>

// Built only where the headers of the CUDA runtime are (CMakeLists.txt).
namespace torch_prune {
namespace {

// A stream to record on. Each graph has one: cuBLAS keeps a workspace for each stream, which a graph that is
// destroyed takes along, whichever other graphs were recorded on it.
class RecordingStream {
 public:
  explicit RecordingStream(c10::DeviceIndex device) : device_(device) {
    const c10::cuda::CUDAGuard on(device);
    C10_CUDA_CHECK(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  }
  ~RecordingStream() { (void)cudaStreamDestroy(stream_); }
  RecordingStream(const RecordingStream&) = delete;
  RecordingStream& operator=(const RecordingStream&) = delete;

  c10::cuda::CUDAStream get() const { return c10::cuda::getStreamFromExternal(stream_, device_); }

 private:
  const c10::DeviceIndex device_;
  cudaStream_t stream_ = nullptr;
};

// Lets a graph draw from a generator other than the default one. libtorch 2.14 finds it out by itself.
template <typename Graph, typename Implementation>
void Register(Graph& graph, Implementation& generator) {
  if constexpr (requires { generator.register_graph(&graph); }) generator.register_graph(&graph);
}

class CudaGraph final : public DeviceGraph {
 public:
  CudaGraph(const at::Device& device, const at::Generator& generator)
      : device_(device), generator_(generator), stream_(device.index()) {}

  void Record(const std::function<void()>& work) override {
    const c10::cuda::CUDAGuard on(device_);
    auto* implementation = at::check_generator<at::CUDAGeneratorImpl>(generator_);
    const auto alone = BetweenRecordings();
    // What earlier steps have launched must be over, and what they allocated be free.
    c10::cuda::getCurrentCUDAStream(device_.index()).synchronize();
    c10::cuda::CUDACachingAllocator::emptyCache();
    const c10::cuda::CUDAStreamGuard recording(stream_.get());
    {
      // The generator keeps what is made here, and trainings draw from it, too.
      const c10::InferenceMode trains(false);
      Register(graph_, *implementation);
      // The other threads of the process go on allocating meanwhile.
      graph_.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
    }
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
  const RecordingStream stream_;  // destroyed after the graph
  at::cuda::CUDAGraph graph_;
};

const DeviceGraphKind kCudaGraph([](const at::Device& device, const at::Generator& generator) {
  return std::unique_ptr<DeviceGraph>(std::make_unique<CudaGraph>(device, generator));
});

}  // namespace
}  // namespace torch_prune
