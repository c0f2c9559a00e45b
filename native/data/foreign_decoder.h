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

// A picture decoded elsewhere: bytes [height, width, 3], or four inks a pixel (0 for none).
struct Pixels {
  Extent extent;
  std::int64_t channels = 3;
  std::vector<std::uint8_t> bytes;
};

// Decoding by a JavaScript function (sharp), asked for by decoding threads, which wait for the answer. One an
// environment.
class ForeignDecoder {
 public:
  // decode(id, path, memory), which answers through Answer().
  ForeignDecoder(Napi::Env env, const Napi::Function& decode);

  // On a decoding thread. Throws Unreadable, also for what would take more than `memory` bytes, and when
  // `stop` becomes true meanwhile.
  Pixels Decode(const std::string& path, std::int64_t memory, const std::atomic<bool>& stop);
  // On the main thread: the pixels, or why there are none.
  void Answer(std::int64_t id, Pixels pixels, const std::string& error);
  // No decoding thread may be left. Called once, when the environment ends.
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
