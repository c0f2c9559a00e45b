#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "foreign_decoder.h"
#include "jpeg.h"
#include "painter.h"

namespace torch_prune {

class Job;

// The default number of bytes that decoding one image may take. All of ImageNet needs less.
constexpr std::int64_t kDecodeMemory = std::int64_t{1} << 29;

// What each decoding thread has for itself.
struct Decoder {
  Painter painter;
  JpegDecoder jpeg;
  std::vector<std::uint8_t> file;
  ForeignDecoder* foreign;
  const std::atomic<bool>& stop;
};

// Threads that work on items 0, 1, 2, ... of a list, in that order and up to a limit.
class ReadAhead {
 public:
  using Work = std::function<void(std::int64_t item, Decoder& decoder)>;
  // `work` is called on several threads at once; Wait rethrows what it throws.
  ReadAhead(std::int64_t items, int threads, std::shared_ptr<ForeignDecoder> foreign, Work work);
  // Stops the threads; each finishes its current item.
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  // Allows the threads to work on items below `limit`.
  void Allow(std::int64_t limit);
  // Waits until all items below `count` are done; returns false if the job is cancelled before that.
  bool Wait(std::int64_t count, const Job& job);

 private:
  void Loop();

  const std::int64_t items_;
  const std::shared_ptr<ForeignDecoder> foreign_;
  const Work work_;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::condition_variable allowed_, advanced_;
  std::int64_t limit_ = 0, claimed_ = 0;
  std::int64_t finished_ = 0;  // all items below this are done
  std::vector<char> done_;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

}  // namespace torch_prune
