#pragma once
#include <napi.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "batch_maker.h"
#include "dataset.h"

namespace torch_prune {

// Batches that JavaScript makes one after the other, either from nothing or from those of another dataset. A
// few are made ahead of training; training waits for them, and other jobs get turns in the meantime.
class BatchesDataset : public Dataset {
 public:
  struct Settings {
    std::vector<double> mean, deviation;  // for uint8 images
    std::int64_t ahead;                   // the number of batches that are requested before they are needed
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
