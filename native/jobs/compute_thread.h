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

// How far a job has come: plain numbers, copied to the main thread now and then.
struct Progress {
  double done = 0;
  double total = 0;
  double loss = 0;     // mean over the samples so far
  double samples = 0;  // seen so far
  double correct = 0;
};

class ComputeThread;

// One piece of work. It happens on the compute thread and must not touch JavaScript; `finish` turns what it
// left behind into a value on the main thread. Where it was cancelled before it began, neither is called, and
// its promise resolves to undefined.
class Job : public std::enable_shared_from_this<Job> {
 public:
  // The work in one go, or, of whatever takes long, in slices.
  std::function<void(Job&)> run;
  std::function<Slices(Job&)> slices;
  std::function<Napi::Value(Napi::Env)> finish;
  std::unique_ptr<Ownership::Claim> claim;
  // Asked when a job has ended; it waits until this says yes.
  std::function<bool(Job&)> may_begin;
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

  // Does the next slice; false when the work is over. On the compute thread, as what it holds.
  bool Advance();

  Napi::Promise::Deferred deferred_;
  ComputeThread& thread_;
  std::optional<Slices> work_;
  int threads_ = 0;  // it began with, so that results do not depend on when others change the number
  std::atomic<bool> cancelled_{false};
  std::optional<Failure> failure_;
  std::optional<Napi::Error> listener_error_;  // main thread only
  std::chrono::steady_clock::time_point last_report_{};
};

// The one thread of an environment that computes. OpenMP keeps a pool for each calling thread, so a pool of
// workers (libuv's) would multiply threads; and a thread count set on this thread holds for all jobs.
//
// Jobs take turns: they begin in the order in which they were started, and one that has begun hands over
// between its steps. A new job has its first turn at the next such moment, and whoever waits for another turn
// has it between two new jobs at the latest. While no other job waits, nothing is handed over.
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
  using Clock = std::chrono::steady_clock;
  struct Message {
    std::shared_ptr<Job> job;
    std::optional<Progress> progress;  // none: the job is over
  };
  static void Deliver(Napi::Env env, Napi::Function, ComputeThread* self, Message* message);
  using Channel = Napi::TypedThreadSafeFunction<ComputeThread, Message, Deliver>;

  void Loop();
  // Under the mutex: takes the job whose turn it is, null where there is none.
  std::shared_ptr<Job> NextTurn();
  bool HandsOver(bool first_turn, Clock::time_point until) const;
  void Send(std::unique_ptr<Message> message);
  // On the main thread.
  void Enqueue(const std::shared_ptr<Job>& job);
  void Cancel(Napi::Env env, const std::shared_ptr<Job>& job);
  bool TakeBack(const std::shared_ptr<Job>& job);
  // Lets go of what a job that is over used; after that, whoever waited for it may begin.
  void Close(Napi::Env env, Job& job);
  void StartWaiting();

  Channel channel_;
  std::atomic<int> threads_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Job>> fresh_, begun_;  // that wait for their first turn, and for another one
  std::atomic<bool> fresh_waits_{false}, begun_waits_{false};
  bool after_fresh_ = false;  // whether the last turn was a first one
  std::shared_ptr<Job> running_;
  bool stopping_ = false;
  std::deque<std::shared_ptr<Job>> waiting_;  // main thread only, as what follows
  int unfinished_ = 0;
  std::thread thread_;
};

}  // namespace torch_prune
