#pragma once
#include <napi.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "dataset.h"

namespace torch_prune {

// The batches of one reading that JavaScript has made and nobody has taken yet.
class BatchQueue {
 public:
  static constexpr std::uint64_t kTag = 9;
  static constexpr const char* kName = "batch queue";

  struct Made {
    at::Tensor images, labels;
  };

  // Called on the main thread: adds a batch, the end, or why a batch could not be made.
  void Put(Made batch);
  void End();
  void Fail(const std::string& why);

  // Called on the compute thread: waits briefly for a batch, the end, or a failure; returns whether there is
  // one.
  bool Wait();
  // Returns the next batch; none at the end. Throws the failure.
  std::optional<Made> Take();
  bool Ended() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Made> made_;
  bool ended_ = false;
  std::optional<std::string> failure_;
};

// The JavaScript function that makes batches. It is called on the main thread, which does not wait for it.
class BatchMaker {
 public:
  BatchMaker(Napi::Env env, const Napi::Function& ask);
  ~BatchMaker();
  BatchMaker(const BatchMaker&) = delete;
  BatchMaker& operator=(const BatchMaker&) = delete;

  // Callable on any thread. ask('open', reading, queue, seed) begins a reading; ask('next', reading, images?,
  // labels?, indices?) requests a batch, made from the given one if there is one; ask('close', reading) ends
  // the reading.
  std::int64_t Open(std::shared_ptr<BatchQueue> queue, std::uint64_t seed);
  void Next(std::int64_t reading, std::optional<Dataset::Batch> of);
  void Close(std::int64_t reading);

 private:
  struct Request {
    std::int64_t reading;
    std::shared_ptr<BatchQueue> queue = {};  // set when a reading begins
    std::uint64_t seed = 0;
    std::optional<Dataset::Batch> of = {};
    bool closes = false;
  };
  static void Deliver(Napi::Env env, Napi::Function ask, std::nullptr_t*, Request* request);
  using Channel = Napi::TypedThreadSafeFunction<std::nullptr_t, Request, Deliver>;

  void Send(Request request);

  // Outlives the channel: the end of an environment destroys channels before the datasets that use them.
  struct Line {
    std::mutex mutex;
    bool open = true;
  };

  const std::shared_ptr<Line> line_ = std::make_shared<Line>();
  Channel channel_;
  std::atomic<std::int64_t> next_{0};
};

}  // namespace torch_prune
