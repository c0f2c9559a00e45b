#include "batch_maker.h"

#include <chrono>
#include <utility>

#include "../tensor/tensor.h"

namespace torch_prune {

// How long the compute thread waits before other jobs get a turn.
constexpr auto kPatience = std::chrono::milliseconds(5);

void BatchQueue::Put(Made batch) {
  {
    const std::lock_guard lock(mutex_);
    made_.push_back(std::move(batch));
  }
  changed_.notify_all();
}

void BatchQueue::End() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
}

void BatchQueue::Fail(const std::string& why) {
  {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = why;
  }
  changed_.notify_all();
}

bool BatchQueue::Wait() {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [this] { return !made_.empty() || ended_ || failure_; });
}

std::optional<BatchQueue::Made> BatchQueue::Take() {
  const std::lock_guard lock(mutex_);
  if (made_.empty() && failure_) throw Error("ERR_ARGUMENT", *failure_);
  if (made_.empty()) return {};
  auto first = std::move(made_.front());
  made_.pop_front();
  return first;
}

bool BatchQueue::Ended() const {
  const std::lock_guard lock(mutex_);
  return ended_ && made_.empty();
}

BatchMaker::BatchMaker(Napi::Env env, const Napi::Function& ask) {
  auto line = std::make_unique<std::shared_ptr<Line>>(line_);
  const auto hang_up = [](Napi::Env, std::shared_ptr<Line>* raw, std::nullptr_t*) {
    const std::unique_ptr<std::shared_ptr<Line>> ending(raw);
    const std::lock_guard lock((*ending)->mutex);
    (*ending)->open = false;
  };
  channel_ = Channel::New(env, ask, "torch-prune batches", 0, 1, static_cast<std::nullptr_t*>(nullptr),
                          hang_up, line.get());
  line.release();       // NOLINT(bugprone-unused-return-value): the channel's end takes it back
  channel_.Unref(env);  // the job that waits for batches keeps the process alive
}

BatchMaker::~BatchMaker() {
  const std::lock_guard lock(line_->mutex);
  if (line_->open) channel_.Release();
}

std::int64_t BatchMaker::Open(std::shared_ptr<BatchQueue> queue, std::uint64_t seed) {
  const std::int64_t reading = next_++;
  Send({reading, std::move(queue), seed});
  return reading;
}

void BatchMaker::Next(std::int64_t reading, std::optional<Dataset::Batch> of) {
  Request request{reading};
  request.of = std::move(of);
  Send(std::move(request));
}

void BatchMaker::Close(std::int64_t reading) {
  Request request{reading};
  request.closes = true;
  Send(std::move(request));
}

void BatchMaker::Send(Request request) {
  const std::lock_guard lock(line_->mutex);
  if (!line_->open) return;
  auto message = std::make_unique<Request>(std::move(request));
  if (channel_.NonBlockingCall(message.get()) == napi_ok) {
    message.release();  // NOLINT(bugprone-unused-return-value): Deliver takes it back
  } else {
    line_->open = false;
  }
}

void BatchMaker::Deliver(Napi::Env env, Napi::Function ask, std::nullptr_t*, Request* raw) {
  const std::unique_ptr<Request> request(raw);
  if (static_cast<napi_env>(env) == nullptr) return;
  Napi::HandleScope scope(env);
  const auto reading = Napi::Number::New(env, static_cast<double>(request->reading));
  if (request->closes) {
    ask.Call({Napi::String::New(env, "close"), reading});
  } else if (request->queue) {
    ask.Call({Napi::String::New(env, "open"), reading,
              Handle<BatchQueue>::Wrap(env, std::move(request->queue)),
              Napi::Number::New(env, static_cast<double>(request->seed))});
  } else if (request->of) {
    auto indices = Napi::Array::New(env, request->of->indices.size());
    for (std::uint32_t i = 0; i < request->of->indices.size(); ++i)
      indices.Set(i, static_cast<double>(request->of->indices[i]));
    ask.Call({Napi::String::New(env, "next"), reading, Wrap(env, request->of->images),
              Wrap(env, request->of->labels), indices});
  } else {
    ask.Call({Napi::String::New(env, "next"), reading});
  }
}

}  // namespace torch_prune
