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

#include "../base/errors.h"
#include "../base/ownership.h"
#include "slices.h"

namespace torch_prune {

// The progress of a job: plain numbers that are copied to the main thread now and then.
struct Progress {
  double done = 0;
  double total = 0;
  double loss = 0;     // the mean over the samples so far
  double samples = 0;  // the samples so far
  double correct = 0;
};

class ComputeThread;

// A piece of work. It runs on the compute thread and must not touch JavaScript; `finish` converts its results
// to a JavaScript value on the main thread. If it is cancelled before it starts, neither is called, and its
// promise resolves to undefined.
class Job : public std::enable_shared_from_this<Job> {
 public:
  // The work, either in one go or, if it takes long, in slices.
  std::function<void(Job&)> run;
  std::function<Slices(Job&)> slices;
  std::function<Napi::Value(Napi::Env)> finish;
  std::unique_ptr<Ownership::Claim> claim;
  // Called when another job has ended; this job waits until it returns true.
  std::function<bool(Job&)> may_begin;
  Napi::FunctionReference on_progress;

  // Checked between steps: a cancelled job finishes its current step.
  bool Cancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }

  // Whether it is time to notify the main thread again (at most every 50 ms).
  bool WantsReport();
  void Report(const Progress& progress);

 private:
  friend class ComputeThread;
  explicit Job(Napi::Env env, ComputeThread& thread)
      : deferred_(Napi::Promise::Deferred::New(env)), thread_(thread) {}

  // Runs the next slice; returns false when the work is done. Called on the compute thread, like everything
  // that it runs.
  bool Advance();

  Napi::Promise::Deferred deferred_;
  ComputeThread& thread_;
  std::optional<Slices> work_;
  int threads_ = 0;  // the number when it started, so that later changes do not affect its results
  std::atomic<bool> cancelled_{false};
  std::optional<Failure> failure_;
  std::optional<Napi::Error> listener_error_;  // main thread only
  std::chrono::steady_clock::time_point last_report_{};
};

// A thread that computes: an environment has one for its jobs, and one for its sessions. OpenMP keeps a pool
// for each calling thread, so a pool of workers (libuv's) would multiply the number of threads, and a thread
// count that is set on this thread applies to all jobs.
//
// Jobs take turns. They start in the order in which they were submitted, and a job that has started hands
// over between its steps. A new job gets its first turn at the next hand-over, and a job that waits for
// another turn gets it after at most one new job. While no other job is waiting, there is no hand-over.
class ComputeThread {
 public:
  explicit ComputeThread(Napi::Env env);
  ~ComputeThread();

  std::shared_ptr<Job> NewJob(Napi::Env env);
  // Queues the job; returns {promise, cancel} for lib/.
  Napi::Object Start(Napi::Env env, const std::shared_ptr<Job>& job);
  // Sets the number of threads that libtorch uses inside an operator, starting with the next job.
  void SetThreads(int count) { threads_.store(count); }
  int Threads() const { return threads_.load(); }
  // Jobs of another thread may wait for what jobs of this one use.
  void StandBeside(ComputeThread& other) { beside_ = &other; }
  // Cancels everything and waits for the current step; called once, when the environment ends.
  void Stop();

 private:
  friend class Job;
  using Clock = std::chrono::steady_clock;
  struct Message {
    std::shared_ptr<Job> job;
    std::optional<Progress> progress;  // none if the job is over
  };
  static void Deliver(Napi::Env env, Napi::Function, ComputeThread* self, Message* message);
  using Channel = Napi::TypedThreadSafeFunction<ComputeThread, Message, Deliver>;

  void Loop();
  // Takes the job whose turn it is, or null if there is none. The mutex must be held.
  std::shared_ptr<Job> NextTurn();
  bool HandsOver(bool first_turn, Clock::time_point until) const;
  void Send(std::unique_ptr<Message> message);
  // The following run on the main thread.
  void Enqueue(const std::shared_ptr<Job>& job);
  void Cancel(Napi::Env env, const std::shared_ptr<Job>& job);
  bool TakeBack(const std::shared_ptr<Job>& job);
  // Releases what a finished job used, so that jobs that were waiting for it may start.
  void Close(Napi::Env env, Job& job);
  void StartWaiting();

  Channel channel_;
  std::atomic<int> threads_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Job>> fresh_, begun_;  // waiting for their first or for another turn
  std::atomic<bool> fresh_waits_{false}, begun_waits_{false};
  bool after_fresh_ = false;  // whether the last turn was a job's first one
  std::shared_ptr<Job> running_;
  bool stopping_ = false;
  std::deque<std::shared_ptr<Job>> waiting_;  // this and what follows: main thread only
  int unfinished_ = 0;
  ComputeThread* beside_ = nullptr;
  std::thread thread_;
};

}  // namespace torch_prune
