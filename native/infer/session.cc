#include "session.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <chrono>

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

std::vector<float> Normalized(const Session::Options& options) {
  std::vector<float> table;
  for (std::size_t channel = 0; channel < options.mean.size(); channel++) {
    for (int byte = 0; byte < 256; byte++) {
      table.push_back(static_cast<float>((byte / 255.0 - options.mean[channel]) / options.std[channel]));
    }
  }
  return table;
}

}  // namespace

Session::Session(const std::vector<std::shared_ptr<Layer>>& layers, Options options,
                 const std::function<bool()>& stopped)
    : options_(std::move(options)), normalized_(Normalized(options_)) {
  const c10::InferenceMode inference;
  const UseThreads threads(static_cast<int>(options_.threads));
  std::vector<std::int64_t> sizes{options_.batch};
  sizes.insert(sizes.end(), options_.input_shape.begin(), options_.input_shape.end());
  plan_ = std::make_unique<Plan>(
      layers, Plan::Options{sizes, static_cast<int>(options_.threads), options_.forms, options_.chosen},
      stopped);
  input_ = at::zeros(sizes);
  std::vector<double> times;
  for (int run = 0; run < kTimedRuns && !stopped(); run++) {
    const auto begin = std::chrono::steady_clock::now();
    const at::Tensor output = plan_->Run(input_);
    times.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
    output_shape_.assign(output.sizes().begin() + 1, output.sizes().end());
  }
  if (times.empty()) return;
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  milliseconds_ = times[times.size() / 2];
}

std::int64_t Session::sample_size() const {
  return input_.numel() / options_.batch;
}

std::vector<float> Session::Run(std::span<const float> samples) {
  const std::lock_guard lock(running_);
  std::copy(samples.begin(), samples.end(), input_.mutable_data_ptr<float>());
  return RunInput(static_cast<std::int64_t>(samples.size()) / sample_size());
}

std::vector<float> Session::Run(std::span<const std::uint8_t> samples) {
  const std::lock_guard lock(running_);
  float* to = input_.mutable_data_ptr<float>();
  const auto channels = static_cast<std::int64_t>(options_.mean.size());
  const std::int64_t pixels = sample_size() / channels;
  for (std::size_t i = 0; i < samples.size(); i++) {
    to[i] = normalized_[static_cast<std::int64_t>(i) / pixels % channels * 256 + samples[i]];
  }
  return RunInput(static_cast<std::int64_t>(samples.size()) / sample_size());
}

std::vector<float> Session::RunInput(std::int64_t samples) {
  const c10::InferenceMode inference;
  const UseThreads threads(static_cast<int>(options_.threads));
  const at::Tensor output = plan_->Run(input_).contiguous();
  const float* values = output.const_data_ptr<float>();
  return {values, values + output.numel() / options_.batch * samples};
}

}  // namespace torch_prune
