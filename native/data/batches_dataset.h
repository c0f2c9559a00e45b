#pragma once
#include <napi.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "dataset.h"

namespace torch_prune {

// The batches of one reading that JavaScript has made and nobody has taken yet.
class BatchQueue {
 public:
  static constexpr std::uint64_t kTag = 9;
  static constexpr const char* kName = "batch queue";

  struct Made {
    at::Tensor images, labels;
  };

  // Called on the main thread: adds a batch, the end, or why a batch could not be made.
  void Put(Made batch);
  void End();
  void Fail(const std::string& why);

  // Called on the compute thread: waits briefly for a batch, the end, or a failure; returns whether there is
  // one.
  bool Wait();
  // Returns the next batch; none at the end. Throws the failure.
  std::optional<Made> Take();
  bool Ended() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Made> made_;
  bool ended_ = false;
  std::optional<std::string> failure_;
};

// The JavaScript function that makes batches. It is called on the main thread, which does not wait for it.
class BatchMaker {
 public:
  BatchMaker(Napi::Env env, const Napi::Function& ask);
  ~BatchMaker();
  BatchMaker(const BatchMaker&) = delete;
  BatchMaker& operator=(const BatchMaker&) = delete;

  // Callable on any thread. ask('open', reading, queue, seed) begins a reading; ask('next', reading, images?,
  // labels?, indices?) requests a batch, made from the given one if there is one; ask('close', reading) ends
  // the reading.
  std::int64_t Open(std::shared_ptr<BatchQueue> queue, std::uint64_t seed);
  void Next(std::int64_t reading, std::optional<Dataset::Batch> of);
  void Close(std::int64_t reading);

 private:
  struct Request {
    std::int64_t reading;
    std::shared_ptr<BatchQueue> queue = {};  // set when a reading begins
    std::uint64_t seed = 0;
    std::optional<Dataset::Batch> of = {};
    bool closes = false;
  };
  static void Deliver(Napi::Env env, Napi::Function ask, std::nullptr_t*, Request* request);
  using Channel = Napi::TypedThreadSafeFunction<std::nullptr_t, Request, Deliver>;

  void Send(Request request);

  Channel channel_;
  std::mutex mutex_;
  bool closed_ = false;  // the environment has ended, so the channel may no longer exist
  std::atomic<std::int64_t> next_{0};
};

// Batches that JavaScript makes one after the other, either from nothing or from those of another dataset. A
// few are made ahead of training; training waits for them, and other jobs get turns in the meantime.
class BatchesDataset : public Dataset {
 public:
  struct Settings {
    std::vector<double> mean, deviation;  // for uint8 images
    std::int64_t ahead = 2;               // the number of batches that are requested before they are needed
    std::int64_t batches = -1;            // the number of batches in a reading; -1 if it is not known
  };

  // `targets` and `sample`: what batches contain. `of`: the dataset from whose batches they are made; null if
  // there is none.
  BatchesDataset(std::shared_ptr<BatchMaker> maker, std::shared_ptr<const Dataset> of, Targets targets,
                 std::vector<std::int64_t> sample, Settings settings);

  std::int64_t Steps(std::int64_t batch_size, bool drop_last) const override;
  std::vector<at::Tensor> Memory() const override;
  void CheckAugmentation(const Augmentation& augmentation) const override;
  std::unique_ptr<Pass> Read(Plan plan) const override;
  Batch Gather(const std::vector<std::int64_t>& indices, const at::Device& device) const override;
  std::vector<Skipped> SkippedSamples() const override;
  bool Whole() const override { return of_ && of_->Whole(); }

 protected:
  std::shared_ptr<Dataset> Cut(std::int64_t begin, std::int64_t end) const override;

 private:
  class Reading;
  // Throws unless a batch has the declared shapes and dtype.
  void CheckMade(const BatchQueue::Made& made, std::int64_t number) const;

  const std::shared_ptr<BatchMaker> maker_;
  const std::shared_ptr<const Dataset> of_;
  const Settings settings_;
};

void RegisterBatches(Napi::Env env, Napi::Object exports);

}  // namespace torch_prune
