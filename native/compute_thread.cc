#include "compute_thread.h"

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>
#include <omp.h>

#include <algorithm>

#include "host_memory.h"

// OpenMP 5.0: libtorch may bring an older library.
#pragma weak omp_pause_resource_all

namespace torch_prune {
namespace {

// Lets the calling thread's OpenMP threads go, until it needs some again. They count as running even while
// they wait, and GNU's library no longer spins at a barrier once it counts more threads than cores: eager
// operators would leave every later job's step of small operators at twice its time.
void ReleaseTeam() {
  if (omp_pause_resource_all != nullptr) omp_pause_resource_all(omp_pause_soft);
}

}  // namespace

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
      // A service keeps a core for its event loop; the command line asks for all of them.
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
  {
    std::lock_guard lock(mutex_);
    if (stopping_) throw Error("ERR_BUSY", "this thread is shutting down: no job can start");
    queue_.push_back(job);
    if (!thread_.joinable()) {
      thread_ = std::thread([this, warnings = c10::WarningUtils::get_warning_handler()] {
        c10::WarningUtils::set_warning_handler(warnings);
        Loop();
      });
    }
  }
  if (unfinished_++ == 0) channel_.Ref(env);
  ReleaseTeam();
  wake_.notify_one();

  auto handle = Napi::Object::New(env);
  handle.Set("promise", job->deferred_.Promise());
  handle.Set("cancel", Napi::Function::New(env, [job](const Napi::CallbackInfo&) { job->Cancel(); }));
  return handle;
}

void ComputeThread::Stop() {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    for (const auto& job : queue_) job->Cancel();
    if (running_) running_->Cancel();
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  queue_.clear();
  channel_.Abort();
}

void ComputeThread::Loop() {
  int applied = 0;
  for (;;) {
    std::shared_ptr<Job> job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      job = std::move(queue_.front());
      queue_.pop_front();
      running_ = job;
    }
    // at::set_num_threads acts on the calling thread alone.
    if (const int wanted = threads_.load(); wanted != applied) at::set_num_threads(applied = wanted);
    try {
      const KeepHostMemory keep;
      job->run(*job);
    } catch (...) {
      job->failure_ = Describe(std::current_exception());
    }
    {
      std::lock_guard lock(mutex_);
      running_.reset();
    }
    Send(std::make_unique<Message>(std::move(job), std::nullopt));
  }
}

void ComputeThread::Send(std::unique_ptr<Message> message) {
  // On success the channel owns the message until Deliver takes it back.
  if (channel_.NonBlockingCall(message.get()) == napi_ok)
    message.release();  // NOLINT(bugprone-unused-return-value)
}

void ComputeThread::Deliver(Napi::Env env, Napi::Function, ComputeThread* self, Message* raw) {
  const std::unique_ptr<Message> message(raw);
  // While the environment ends there is no JavaScript left to tell.
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
      // A listener that throws stops the job, which rejects with what was thrown.
      if (!job.listener_error_) job.listener_error_ = error;
      job.Cancel();
    }
    return;
  }
  if (--self->unfinished_ == 0) self->channel_.Unref(env);
  job.claim.reset();
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
}

}  // namespace torch_prune
