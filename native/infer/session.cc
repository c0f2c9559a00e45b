#include "session.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>

#include "../base/timing.h"

namespace torch_prune {
namespace {

// The median of so many runs is how long a session takes.
constexpr int kTimedRuns = 7;

// As tensor cores take images; copying a batch arranges it as well.
at::MemoryFormat FormatOf(AutocastTo autocast) {
  return autocast == AutocastTo::kNone ? at::MemoryFormat::Contiguous : at::MemoryFormat::ChannelsLast;
}

// The number of threads that libtorch uses on this thread, for as long as this exists.
class UseThreads {
 public:
  explicit UseThreads(int count) : before_(at::get_num_threads()) {
    if (count != before_) at::set_num_threads(count);
    changed_ = count != before_;
  }
  ~UseThreads() {
    if (changed_) at::set_num_threads(before_);
  }
  UseThreads(const UseThreads&) = delete;
  UseThreads& operator=(const UseThreads&) = delete;

 private:
  int before_;
  bool changed_;
};

// A stream of its own on a GPU, behind what this thread has launched there; none on the CPU.
std::optional<c10::Stream> OwnStream(const at::Device& device) {
  if (device.is_cpu()) return std::nullopt;
  const c10::impl::VirtualGuardImpl gpu(device.type());
  gpu.getStream(device).synchronize();
  return gpu.getStreamFromGlobalPool(device);
}

}  // namespace

Session::Session(const Network& network, Options options, const std::function<bool()>& stopped)
    : options_(std::move(options)) {
  const c10::InferenceMode inference;
  const UseThreads threads(static_cast<int>(options_.threads));
  std::vector<std::int64_t> sizes{options_.batch};
  sizes.insert(sizes.end(), options_.input_shape.begin(), options_.input_shape.end());
  if (options_.input_shape.empty() || c10::multiply_integers(sizes) == 0) {
    throw Error("ERR_SHAPE", "inputShape is of samples without a number: give the network's own");
  }
  if (takes_bytes()) normalization_ = Normalization(options_.mean, options_.std, options_.input_shape[0]);
  const auto& device = network.device();
  if (device.is_cpu() && options_.autocast != AutocastTo::kNone)
    throw Error("ERR_ARGUMENT", "autocast is for GPUs: sessions on the CPU compute in float32");
  const c10::OptionalStreamGuard on(OwnStream(device));
  AddLane(std::make_unique<Plan>(network.layers(),
                                 Plan::Options{.input = sizes,
                                               .threads = static_cast<int>(options_.threads),
                                               .forms = options_.forms,
                                               .chosen = options_.chosen,
                                               .device = device,
                                               .dtype = DtypeOf(options_.autocast),
                                               .format = FormatOf(options_.autocast),
                                               .generator = network.generator()},
                                 stopped),
          sizes, network);
  std::vector<double> times;
  for (int run = 0; run < kTimedRuns && !stopped(); run++) {
    at::Tensor output;
    times.push_back(Milliseconds([&] { output = Outputs(lanes_.front()); }));
    output_shape_.assign(output.sizes().begin() + 1, output.sizes().end());
  }
  if (!times.empty()) milliseconds_ = Median(times);
  while (static_cast<std::int64_t>(lanes_.size()) < options_.concurrency && !stopped())
    AddLane(lanes_.front().plan->Again(), sizes, network);
}

void Session::AddLane(std::unique_ptr<Plan> plan, const std::vector<std::int64_t>& sizes,
                      const Network& network) {
  const auto& device = network.device();
  if (device.is_cpu()) {
    const at::Tensor samples = at::zeros(sizes);
    lanes_.emplace_back(std::move(plan), samples, samples);
    return;
  }
  const at::Tensor samples = at::zeros(sizes, at::TensorOptions().pinned_memory(true));
  at::Tensor input = samples.to(device);
  if (input.dim() == 4) input = input.contiguous(FormatOf(options_.autocast));
  Lane& lane = lanes_.emplace_back(std::move(plan), samples, input);
  lane.stream = OwnStream(device);
  const c10::OptionalStreamGuard on(lane.stream);
  Outputs(lane);
  lane.graph = DeviceGraph::Of(device, network.generator(), [&lane] {
    lane.output = lane.plan->Run(lane.input).to(at::kFloat).contiguous();
  });
}

at::Tensor Session::Outputs(Lane& lane) {
  if (lane.input.is_same(lane.samples)) return lane.plan->Run(lane.input).contiguous();
  const c10::OptionalStreamGuard on(lane.stream);
  lane.input.copy_(lane.samples, /*non_blocking=*/true);
  if (!lane.graph) return lane.plan->Run(lane.input).to(at::kCPU, at::kFloat).contiguous();
  lane.graph->Replay();
  return lane.output.to(at::kCPU);
}

Session::Call::Call(const std::shared_ptr<Session>& session) : session_(session), lane_(session->Quietest()) {
  session_->lanes_[lane_].calls++;
}

std::size_t Session::Quietest() const {
  const auto fewer = [](const Lane& one, const Lane& other) { return one.calls < other.calls; };
  return std::min_element(lanes_.begin(), lanes_.end(), fewer) - lanes_.begin();
}

std::int64_t Session::sample_size() const {
  return lanes_.front().samples.numel() / options_.batch;
}

std::vector<float> Session::Run(std::size_t lane, std::span<const float> samples) {
  Lane& here = lanes_[lane];
  const std::lock_guard lock(here.running);
  std::copy(samples.begin(), samples.end(), here.samples.mutable_data_ptr<float>());
  return RunSamples(here, static_cast<std::int64_t>(samples.size()) / sample_size());
}

std::vector<float> Session::Run(std::size_t lane, std::span<const std::uint8_t> samples) {
  Lane& here = lanes_[lane];
  const std::lock_guard lock(here.running);
  float* to = here.samples.mutable_data_ptr<float>();
  const std::int64_t channels = options_.input_shape[0], pixels = sample_size() / channels;
  for (std::size_t i = 0; i < samples.size();) {
    const float* normalized = normalization_.channel(static_cast<std::int64_t>(i) / pixels % channels);
    for (std::int64_t pixel = 0; pixel < pixels; pixel++, i++) to[i] = normalized[samples[i]];
  }
  return RunSamples(here, static_cast<std::int64_t>(samples.size()) / sample_size());
}

std::vector<float> Session::RunSamples(Lane& lane, std::int64_t samples) {
  const c10::InferenceMode inference;
  const UseThreads threads(static_cast<int>(options_.threads));
  const at::Tensor output = Outputs(lane);
  const float* values = output.const_data_ptr<float>();
  return {values, values + output.numel() / options_.batch * samples};
}

}  // namespace torch_prune
