#include "compute_thread.h"

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>
#include <omp.h>

#include <algorithm>
#include <unordered_map>

#include "../base/host_memory.h"

// This is part of OpenMP 5.0, but libtorch may come with an older library.
#pragma weak omp_pause_resource_all

namespace torch_prune {
namespace {

// Releases the calling thread's OpenMP threads until it needs them again. They count as running even while
// they wait, and GNU's library stops spinning at barriers once it counts more threads than cores. Otherwise,
// eager operators would double the time of each step of small operators in every later job.
void ReleaseTeam() {
  if (omp_pause_resource_all != nullptr) omp_pause_resource_all(omp_pause_soft);
}

// After so long without work a thread lets go of its OpenMP threads: another thread of jobs may have some.
constexpr auto kRest = std::chrono::milliseconds(20);

// How long a job continues while other jobs that have started are waiting.
constexpr auto kTurn = std::chrono::milliseconds(10);

}  // namespace

bool Job::Advance() {
  try {
    if (run) {
      run(*this);
      return false;
    }
    if (!work_) work_.emplace(slices(*this));
    if (work_->Next()) return true;
  } catch (...) {
    failure_ = Describe(std::current_exception());
  }
  work_.reset();
  return false;
}

bool Job::WantsReport() {
  if (on_progress.IsEmpty()) return false;
  return std::chrono::steady_clock::now() - last_report_ >= std::chrono::milliseconds(50);
}

void Job::Report(const Progress& progress) {
  last_report_ = std::chrono::steady_clock::now();
  thread_.Send(std::make_unique<ComputeThread::Message>(shared_from_this(), progress));
}

ComputeThread::ComputeThread(Napi::Env env)
    : channel_(Channel::New(env, "torch-prune compute", 0, 1, this)),
      // A service leaves one core to its event loop; the command line asks for all of them.
      threads_(std::max(1, static_cast<int>(std::thread::hardware_concurrency()) - 1)) {
  channel_.Unref(env);  // an idle library must not keep the process alive
}

ComputeThread::~ComputeThread() {
  Stop();
}

std::shared_ptr<Job> ComputeThread::NewJob(Napi::Env env) {
  return std::shared_ptr<Job>(new Job(env, *this));
}

Napi::Object ComputeThread::Start(Napi::Env env, const std::shared_ptr<Job>& job) {
  const bool ready = !job->may_begin || job->may_begin(*job);
  {
    std::lock_guard lock(mutex_);
    if (stopping_) throw Error("ERR_BUSY", "this thread is shutting down: no job can start");
    if (!thread_.joinable()) {
      thread_ = std::thread([this, warnings = c10::WarningUtils::get_warning_handler()] {
        c10::WarningUtils::set_warning_handler(warnings);
        Loop();
      });
    }
  }
  if (unfinished_++ == 0) channel_.Ref(env);
  if (ready) {
    Enqueue(job);
  } else {
    waiting_.push_back(job);
  }

  auto handle = Napi::Object::New(env);
  handle.Set("promise", job->deferred_.Promise());
  handle.Set("cancel", Napi::Function::New(
                           env, [this, job](const Napi::CallbackInfo& info) { Cancel(info.Env(), job); }));
  return handle;
}

void ComputeThread::Enqueue(const std::shared_ptr<Job>& job) {
  {
    const std::lock_guard lock(mutex_);
    fresh_.push_back(job);
    fresh_waits_ = true;
  }
  ReleaseTeam();
  wake_.notify_one();
}

// A job that has not started is over immediately, whatever it is waiting for.
void ComputeThread::Cancel(Napi::Env env, const std::shared_ptr<Job>& job) {
  job->Cancel();
  if (!TakeBack(job)) return;
  Close(env, *job);
  job->deferred_.Resolve(env.Undefined());
  StartWaiting();
}

bool ComputeThread::TakeBack(const std::shared_ptr<Job>& job) {
  if (std::erase(waiting_, job) > 0) return true;
  const std::lock_guard lock(mutex_);
  const bool there = std::erase(fresh_, job) > 0;
  fresh_waits_ = !fresh_.empty();
  return there;
}

void ComputeThread::Close(Napi::Env env, Job& job) {
  if (--unfinished_ == 0) channel_.Unref(env);
  job.claim.reset();
}

void ComputeThread::StartWaiting() {
  for (auto waiting = waiting_.begin(); waiting != waiting_.end();) {
    const auto job = *waiting;
    if (!job->may_begin(*job)) {
      ++waiting;
      continue;
    }
    waiting = waiting_.erase(waiting);
    Enqueue(job);
  }
}

void ComputeThread::Stop() {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    for (const auto& job : fresh_) job->Cancel();
    for (const auto& job : begun_) job->Cancel();
    if (running_) running_->Cancel();
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  fresh_.clear();
  begun_.clear();
  waiting_.clear();
  channel_.Abort();
}

std::shared_ptr<Job> ComputeThread::NextTurn() {
  const bool first = !fresh_.empty() && (begun_.empty() || !after_fresh_);
  auto& queue = first ? fresh_ : begun_;
  if (queue.empty()) return nullptr;
  auto job = std::move(queue.front());
  queue.pop_front();
  after_fresh_ = first;
  fresh_waits_ = !fresh_.empty();
  begun_waits_ = !begun_.empty();
  if (first) job->threads_ = threads_.load();
  return job;
}

bool ComputeThread::HandsOver(bool first_turn, Clock::time_point until) const {
  const bool fresh = fresh_waits_.load(std::memory_order_relaxed);
  if (fresh && !first_turn) return true;
  return (fresh || begun_waits_.load(std::memory_order_relaxed)) && Clock::now() >= until;
}

void ComputeThread::Loop() {
  int applied = 0;
  bool has_team = false;
  std::unordered_map<const Job*, StepMemory> memory;  // of jobs that have started and run in slices
  std::unique_lock lock(mutex_);
  for (;;) {
    if (stopping_) return;
    auto job = NextTurn();
    if (!job && has_team) {
      if (wake_.wait_for(lock, kRest) == std::cv_status::no_timeout) continue;
      lock.unlock();
      ReleaseTeam();
      has_team = false;
      lock.lock();
      continue;
    }
    if (!job) {
      wake_.wait(lock);
      continue;
    }
    has_team = true;
    running_ = job;
    const bool first_turn = after_fresh_;
    lock.unlock();
    // at::set_num_threads only affects the calling thread.
    if (job->threads_ != applied) at::set_num_threads(applied = job->threads_);
    const auto until = Clock::now() + kTurn;
    bool more = false;
    {
      std::optional<StepMemory::Use> use;
      if (job->slices) use.emplace(memory[job.get()]);
      do {
        more = job->Advance();
      } while (more && !HandsOver(first_turn, until));
    }
    if (!more) memory.erase(job.get());
    lock.lock();
    running_.reset();
    if (more) {
      begun_.push_back(std::move(job));
      begun_waits_ = true;
      continue;
    }
    lock.unlock();
    Send(std::make_unique<Message>(std::move(job), std::nullopt));
    lock.lock();
  }
}

void ComputeThread::Send(std::unique_ptr<Message> message) {
  // On success, the channel owns the message until Deliver takes it back.
  if (channel_.NonBlockingCall(message.get()) == napi_ok)
    message.release();  // NOLINT(bugprone-unused-return-value)
}

void ComputeThread::Deliver(Napi::Env env, Napi::Function, ComputeThread* self, Message* raw) {
  const std::unique_ptr<Message> message(raw);
  // While the environment is shutting down, there is no JavaScript left to notify.
  if (static_cast<napi_env>(env) == nullptr) return;
  Job& job = *message->job;
  Napi::HandleScope scope(env);
  if (message->progress) {
    const Progress& progress = *message->progress;
    auto value = Napi::Object::New(env);
    value.Set("done", progress.done);
    value.Set("total", progress.total);
    value.Set("loss", progress.loss);
    value.Set("samples", progress.samples);
    value.Set("correct", progress.correct);
    try {
      job.on_progress.Call({value});
    } catch (const Napi::Error& error) {
      // A listener that throws stops the job, which then rejects with what was thrown.
      if (!job.listener_error_) job.listener_error_ = error;
      job.Cancel();
    }
    return;
  }
  self->Close(env, job);
  if (job.listener_error_) {
    job.deferred_.Reject(job.listener_error_->Value());
  } else if (!job.failure_) {
    try {
      job.deferred_.Resolve(Guard(env, [&] { return job.finish(env); }));
    } catch (const Napi::Error& error) {
      job.deferred_.Reject(error.Value());
    }
  } else {
    job.deferred_.Reject(ToJavaScript(env, *job.failure_).Value());
  }
  // JavaScript may keep the cancel function, and with it the job, for a long time.
  job.run = nullptr;
  job.slices = nullptr;
  job.finish = nullptr;
  self->StartWaiting();
  if (self->beside_ != nullptr) self->beside_->StartWaiting();
}

}  // namespace torch_prune
