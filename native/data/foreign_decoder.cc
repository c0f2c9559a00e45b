#include "foreign_decoder.h"

#include <chrono>

#include "jpeg.h"

namespace torch_prune {

ForeignDecoder::ForeignDecoder(Napi::Env env, const Napi::Function& decode)
    : channel_(Channel::New(env, decode, "torch-prune decode", 0, 1, this)) {
  channel_.Unref(env);  // the job that waits for its answers keeps the process alive
}

Pixels ForeignDecoder::Decode(const std::string& path, std::int64_t memory, const std::atomic<bool>& stop) {
  std::unique_lock lock(mutex_);
  const std::int64_t id = next_++;
  auto request = std::make_unique<Request>(Request{id, path, memory});
  if (closed_ || channel_.NonBlockingCall(request.get()) != napi_ok)
    throw Unreadable("was not decoded in time");
  request.release();  // NOLINT(bugprone-unused-return-value): Deliver takes it back
  Reply& reply = waiting_[id];
  while (!reply.done && !stop && !closed_) answered_.wait_for(lock, std::chrono::milliseconds(20));
  Reply answer = std::move(reply);
  waiting_.erase(id);
  if (!answer.done) throw Unreadable("was not decoded in time");
  if (!answer.error.empty()) throw Unreadable(answer.error);
  return std::move(answer.pixels);
}

void ForeignDecoder::Answer(std::int64_t id, Pixels pixels, const std::string& error) {
  {
    std::lock_guard lock(mutex_);
    const auto found = waiting_.find(id);
    if (found == waiting_.end()) return;  // nobody is waiting anymore
    found->second = {true, std::move(pixels), error};
  }
  answered_.notify_all();
}

void ForeignDecoder::Close() {
  std::lock_guard lock(mutex_);
  if (closed_) return;
  closed_ = true;
  answered_.notify_all();
  channel_.Abort();
}

void ForeignDecoder::Deliver(Napi::Env env, Napi::Function decode, ForeignDecoder* self, Request* raw) {
  const std::unique_ptr<Request> request(raw);
  if (static_cast<napi_env>(env) == nullptr) return;
  try {
    decode.Call({Napi::Number::New(env, static_cast<double>(request->id)),
                 Napi::Buffer<char>::Copy(env, request->path.data(), request->path.size()),
                 Napi::Number::New(env, static_cast<double>(request->memory))});
  } catch (const Napi::Error& error) {
    self->Answer(request->id, {}, std::string("cannot be decoded (") + error.Message() + ")");
  }
}

}  // namespace torch_prune
