#include "session.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>

#include "../base/timing.h"

namespace torch_prune {
namespace {

// The median of so many runs is how long a session takes.
constexpr int kTimedRuns = 7;

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

}  // namespace

Session::Session(const std::vector<std::shared_ptr<Layer>>& layers, Options options,
                 const std::function<bool()>& stopped)
    : options_(std::move(options)) {
  const c10::InferenceMode inference;
  const UseThreads threads(static_cast<int>(options_.threads));
  std::vector<std::int64_t> sizes{options_.batch};
  sizes.insert(sizes.end(), options_.input_shape.begin(), options_.input_shape.end());
  const at::Tensor input = at::zeros(sizes);
  if (input.numel() == 0 || options_.input_shape.empty()) {
    throw Error("ERR_SHAPE", "inputShape is of samples without a number: give the network's own");
  }
  if (takes_bytes()) normalization_ = Normalization(options_.mean, options_.std, options_.input_shape[0]);
  auto plan = std::make_unique<Plan>(
      layers, Plan::Options{sizes, static_cast<int>(options_.threads), options_.forms, options_.chosen},
      stopped);
  std::vector<double> times;
  for (int run = 0; run < kTimedRuns && !stopped(); run++) {
    at::Tensor output;
    times.push_back(Milliseconds([&] { output = plan->Run(input); }));
    output_shape_.assign(output.sizes().begin() + 1, output.sizes().end());
  }
  if (!times.empty()) milliseconds_ = Median(times);
  lanes_.emplace_back(std::move(plan), input);
  while (static_cast<std::int64_t>(lanes_.size()) < options_.concurrency && !stopped())
    lanes_.emplace_back(lanes_.front().plan->Again(), at::zeros(sizes));
}

Session::Call::Call(const std::shared_ptr<Session>& session) : session_(session), lane_(session->Quietest()) {
  session_->lanes_[lane_].calls++;
}

std::size_t Session::Quietest() const {
  const auto fewer = [](const Lane& one, const Lane& other) { return one.calls < other.calls; };
  return std::min_element(lanes_.begin(), lanes_.end(), fewer) - lanes_.begin();
}

std::int64_t Session::sample_size() const {
  return lanes_.front().input.numel() / options_.batch;
}

std::vector<float> Session::Run(std::size_t lane, std::span<const float> samples) {
  Lane& here = lanes_[lane];
  const std::lock_guard lock(here.running);
  std::copy(samples.begin(), samples.end(), here.input.mutable_data_ptr<float>());
  return RunInput(here, static_cast<std::int64_t>(samples.size()) / sample_size());
}

std::vector<float> Session::Run(std::size_t lane, std::span<const std::uint8_t> samples) {
  Lane& here = lanes_[lane];
  const std::lock_guard lock(here.running);
  float* to = here.input.mutable_data_ptr<float>();
  const std::int64_t channels = options_.input_shape[0], pixels = sample_size() / channels;
  for (std::size_t i = 0; i < samples.size();) {
    const float* normalized = normalization_.channel(static_cast<std::int64_t>(i) / pixels % channels);
    for (std::int64_t pixel = 0; pixel < pixels; pixel++, i++) to[i] = normalized[samples[i]];
  }
  return RunInput(here, static_cast<std::int64_t>(samples.size()) / sample_size());
}

std::vector<float> Session::RunInput(Lane& lane, std::int64_t samples) {
  const c10::InferenceMode inference;
  const UseThreads threads(static_cast<int>(options_.threads));
  const at::Tensor output = lane.plan->Run(lane.input).contiguous();
  const float* values = output.const_data_ptr<float>();
  return {values, values + output.numel() / options_.batch * samples};
}

}  // namespace torch_prune
