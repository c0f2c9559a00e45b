#include "read_ahead.h"

#include <algorithm>
#include <chrono>

#include "../jobs/compute_thread.h"

namespace torch_prune {

ReadAhead::ReadAhead(std::int64_t items, int threads, std::shared_ptr<ForeignDecoder> foreign, Work work)
    : items_(items),
      foreign_(std::move(foreign)),
      work_(std::move(work)),
      done_(static_cast<std::size_t>(items)) {
  const auto count = std::clamp<std::int64_t>(threads, 1, std::max<std::int64_t>(items, 1));
  for (std::int64_t i = 0; i < count; ++i) threads_.emplace_back([this] { Loop(); });
}

ReadAhead::~ReadAhead() {
  stop_ = true;
  { const std::lock_guard lock(mutex_); }
  allowed_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void ReadAhead::Allow(std::int64_t limit) {
  {
    const std::lock_guard lock(mutex_);
    limit_ = std::min(limit, items_);
  }
  allowed_.notify_all();
}

bool ReadAhead::Wait(std::int64_t count, const Job& job) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (failure_) std::rethrow_exception(failure_);
    if (finished_ >= count) return true;
    if (job.Cancelled()) return false;
    advanced_.wait_for(lock, std::chrono::milliseconds(20));
  }
}

void ReadAhead::Loop() {
  try {
    Decoder decoder{{}, {}, {}, foreign_.get(), stop_};
    std::unique_lock lock(mutex_);
    for (;;) {
      allowed_.wait(lock, [this] { return stop_ || claimed_ < limit_; });
      if (stop_) return;
      const std::int64_t item = claimed_++;
      lock.unlock();
      work_(item, decoder);
      lock.lock();
      done_[item] = 1;
      const std::int64_t before = finished_;
      while (finished_ < items_ && done_[finished_]) ++finished_;
      if (finished_ != before) advanced_.notify_all();
      if (claimed_ == items_) return;
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::current_exception();
    advanced_.notify_all();
  }
}

}  // namespace torch_prune
