#pragma once
#include <c10/core/Stream.h>

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "../base/handle.h"
#include "../data/normalize.h"
#include "../device/graph.h"
#include "../network/autocast.h"
#include "../network/network.h"
#include "plan.h"

namespace torch_prune {

// A network that runs: its weights, and lanes, each with memory for one batch at a time. It never changes.
// It runs where the network is; on a GPU, a lane is one CUDA graph.
class Session {
 public:
  static constexpr std::uint64_t kTag = 13;
  static constexpr const char* kName = "session";

  struct Options {
    std::int64_t batch = 1;
    std::int64_t threads = 1;               // of each lane
    std::int64_t concurrency = 1;           // how many lanes
    std::vector<std::int64_t> input_shape;  // of one sample
    std::vector<std::string> forms;         // as Plan::Options has them, and `chosen`
    std::optional<std::vector<std::string>> chosen;
    std::vector<double> mean, std;            // of bytes, by channel
    AutocastTo autocast = AutocastTo::kNone;  // what products are computed in
  };

  Session(const Network& network, Options options, const std::function<bool()>& stopped);

  const Options& options() const { return options_; }
  const Plan& plan() const { return *lanes_.front().plan; }
  const std::vector<std::int64_t>& output_shape() const { return output_shape_; }
  double milliseconds() const { return milliseconds_; }
  std::int64_t sample_size() const;
  bool takes_bytes() const { return !options_.mean.empty() || !options_.std.empty(); }

  // A call on the lane that has fewest of them, for as long as it exists. The lane's place is that of the
  // thread that runs it. Main thread only.
  class Call {
   public:
    explicit Call(const std::shared_ptr<Session>& session);
    ~Call() { session_->lanes_[lane_].calls--; }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    std::size_t lane() const { return lane_; }

   private:
    const std::shared_ptr<Session> session_;
    const std::size_t lane_;
  };

  // The outputs of as many samples as there are, at most a batch.
  std::vector<float> Run(std::size_t lane, std::span<const float> samples);
  // The same of bytes, which are normalized: (byte / 255 - mean) / std.
  std::vector<float> Run(std::size_t lane, std::span<const std::uint8_t> samples);

 private:
  struct Lane {
    std::unique_ptr<Plan> plan;
    at::Tensor samples;                       // where a call puts them, in the processor's memory
    at::Tensor input;                         // the same; or, on a GPU, a copy there
    std::unique_ptr<DeviceGraph> graph = {};  // on a GPU, where it can be recorded
    at::Tensor output = {};                   // of the graph
    std::optional<c10::Stream> stream = {};   // on a GPU: a call waits for nothing that others have launched
    std::mutex running = {};
    int calls = 0;  // main thread only
  };
  void AddLane(std::unique_ptr<Plan> plan, const std::vector<std::int64_t>& sizes, const Network& network);
  // The outputs of what lies in a lane's samples, in the processor's memory.
  static at::Tensor Outputs(Lane& lane);
  std::size_t Quietest() const;
  // Runs what lies in the lane's samples, with its mutex held.
  std::vector<float> RunSamples(Lane& lane, std::int64_t samples);

  Options options_;
  std::deque<Lane> lanes_;
  std::vector<std::int64_t> output_shape_;
  double milliseconds_ = 0;
  Normalization normalization_;  // of bytes
};

using SessionHandle = Handle<Session>;

void RegisterSessions(Napi::Env env, Napi::Object exports);

}  // namespace torch_prune
