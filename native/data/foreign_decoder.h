#pragma once
#include <napi.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "frame.h"

namespace torch_prune {

// An image that was decoded elsewhere: bytes [height, width, 3], or four inks per pixel (0 for none).
struct Pixels {
  Extent extent;
  std::int64_t channels = 3;
  std::vector<std::uint8_t> bytes;
};

// Decodes with a JavaScript function (sharp). Decoding threads send it requests and wait for the answers.
// There is one per environment.
class ForeignDecoder {
 public:
  // decode(id, path, memory) answers through Answer().
  ForeignDecoder(Napi::Env env, const Napi::Function& decode);

  // Called on a decoding thread. Throws Unreadable, also if decoding would take more than `memory` bytes, or
  // if `stop` becomes true in the meantime.
  Pixels Decode(const std::string& path, std::int64_t memory, const std::atomic<bool>& stop);
  // Called on the main thread, with the pixels or with why there are none.
  void Answer(std::int64_t id, Pixels pixels, const std::string& error);
  // Called once, when the environment ends; no decoding thread may be left.
  void Close();

 private:
  struct Request {
    std::int64_t id;
    std::string path;
    std::int64_t memory;
  };
  struct Reply {
    bool done = false;
    Pixels pixels;
    std::string error;
  };
  static void Deliver(Napi::Env env, Napi::Function decode, ForeignDecoder* self, Request* request);
  using Channel = Napi::TypedThreadSafeFunction<ForeignDecoder, Request, Deliver>;

  Channel channel_;
  std::mutex mutex_;
  std::condition_variable answered_;
  std::unordered_map<std::int64_t, Reply> waiting_;
  std::int64_t next_ = 0;
  bool closed_ = false;
};

}  // namespace torch_prune
