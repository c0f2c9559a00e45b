#pragma once
#include <napi.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "errors.h"
#include "ownership.h"

namespace torch_prune {

// How far a job has come: plain numbers, copied to the main thread now and then.
struct Progress {
  double done = 0;
  double total = 0;
  double loss = 0;     // mean over the samples so far
  double samples = 0;  // seen so far
  double correct = 0;
};

class ComputeThread;

// One piece of work. `run` happens on the compute thread and must not touch JavaScript; `finish` turns what
// it left behind into a value on the main thread.
class Job : public std::enable_shared_from_this<Job> {
 public:
  std::function<void(Job&)> run;
  std::function<Napi::Value(Napi::Env)> finish;
  std::unique_ptr<Ownership::Claim> claim;
  Napi::FunctionReference on_progress;

  // Asked between steps: a cancelled job finishes the step it is in.
  bool Cancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }

  // Whether it is time to tell the main thread again (at most every 50 ms).
  bool WantsReport();
  void Report(const Progress& progress);

 private:
  friend class ComputeThread;
  explicit Job(Napi::Env env, ComputeThread& thread)
      : deferred_(Napi::Promise::Deferred::New(env)), thread_(thread) {}

  Napi::Promise::Deferred deferred_;
  ComputeThread& thread_;
  std::atomic<bool> cancelled_{false};
  std::optional<Failure> failure_;
  std::optional<Napi::Error> listener_error_;  // main thread only
  std::chrono::steady_clock::time_point last_report_{};
};

// The one thread of an environment that computes. OpenMP keeps a pool for each calling thread, so a pool of
// workers (libuv's) would multiply threads; and a thread count set on this thread holds for all jobs.
class ComputeThread {
 public:
  explicit ComputeThread(Napi::Env env);
  ~ComputeThread();

  std::shared_ptr<Job> NewJob(Napi::Env env);
  // Queues the job; returns {promise, cancel} for lib/.
  Napi::Object Start(Napi::Env env, const std::shared_ptr<Job>& job);
  // Threads that libtorch uses inside an operator, from the next job on.
  void SetThreads(int count) { threads_.store(count); }
  int Threads() const { return threads_.load(); }
  // Cancels everything and waits for the step that is running; called once, when the environment ends.
  void Stop();

 private:
  friend class Job;
  struct Message {
    std::shared_ptr<Job> job;
    std::optional<Progress> progress;  // none: the job is over
  };
  static void Deliver(Napi::Env env, Napi::Function, ComputeThread* self, Message* message);
  using Channel = Napi::TypedThreadSafeFunction<ComputeThread, Message, Deliver>;

  void Loop();
  void Send(std::unique_ptr<Message> message);

  Channel channel_;
  std::atomic<int> threads_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Job>> queue_;
  std::shared_ptr<Job> running_;
  bool stopping_ = false;
  int unfinished_ = 0;  // main thread only
  std::thread thread_;
};

}  // namespace torch_prune
