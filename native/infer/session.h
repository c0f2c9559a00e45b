#pragma once
#include <mutex>
#include <span>

#include "../base/handle.h"
#include "../data/normalize.h"
#include "plan.h"

namespace torch_prune {

// A network that runs: its plan, and memory for one batch at a time. It never changes.
class Session {
 public:
  static constexpr std::uint64_t kTag = 13;
  static constexpr const char* kName = "session";

  struct Options {
    std::int64_t batch = 1;
    std::int64_t threads = 1;
    std::vector<std::int64_t> input_shape;   // of one sample
    std::vector<std::string> forms, chosen;  // as Plan::Options has them
    std::vector<double> mean, std;           // of bytes, by channel
  };

  Session(const std::vector<std::shared_ptr<Layer>>& layers, Options options,
          const std::function<bool()>& stopped);

  const Options& options() const { return options_; }
  const Plan& plan() const { return *plan_; }
  const std::vector<std::int64_t>& output_shape() const { return output_shape_; }
  double milliseconds() const { return milliseconds_; }
  std::int64_t sample_size() const;
  bool takes_bytes() const { return !options_.mean.empty() || !options_.std.empty(); }

  // The outputs of as many samples as there are, at most a batch.
  std::vector<float> Run(std::span<const float> samples);
  // The same of bytes, which are normalized: (byte / 255 - mean) / std.
  std::vector<float> Run(std::span<const std::uint8_t> samples);

 private:
  // Runs what lies in input_, with the mutex held.
  std::vector<float> RunInput(std::int64_t samples);

  Options options_;
  std::unique_ptr<Plan> plan_;
  std::vector<std::int64_t> output_shape_;
  double milliseconds_ = 0;
  Normalization normalization_;  // of bytes
  at::Tensor input_;
  std::mutex running_;
};

using SessionHandle = Handle<Session>;

void RegisterSessions(Napi::Env env, Napi::Object exports);

}  // namespace torch_prune
