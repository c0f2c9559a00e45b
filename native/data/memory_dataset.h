#pragma once
#include "dataset.h"
#include "normalize.h"

namespace torch_prune {

// Samples in memory: bytes, which are normalized when they are gathered, or other numbers, which are float32
// in batches.
class MemoryDataset : public Dataset {
 public:
  // images: [N * variants, C, ...]; mean, deviation: for bytes, one number per channel, on the scale 0..1. If
  // there are variants of each sample, variant v of sample i is row v * N + i, and each pass chooses one by
  // its seed. `absent` samples are left out of all batches. If the images are `in_file`, they are a
  // FileTensor and are read ahead.
  MemoryDataset(at::Tensor images, Targets targets, const std::vector<double>& mean,
                const std::vector<double>& deviation, std::int64_t variants = 1,
                std::vector<std::int64_t> absent = {}, bool in_file = false);

  std::vector<at::Tensor> Memory() const override { return {labels(), images_}; }
  void CheckAugmentation(const Augmentation& augmentation) const override;
  std::unique_ptr<Pass> Read(Plan plan) const override;
  NonFinite NonFiniteSamples() const override;
  Batch Gather(const std::vector<std::int64_t>& indices, const at::Device& device) const override;

 protected:
  std::shared_ptr<Dataset> Cut(std::int64_t begin, std::int64_t end) const override;

 private:
  class Reading;
  Batch Take(const std::vector<std::int64_t>& indices, const Plan& plan) const;
  // Throws if somebody has written to the images since.
  void CheckUnchanged() const;
  std::int64_t Row(std::int64_t index, SampleRandom& random) const;
  void Expect(const std::vector<std::int64_t>& indices, const Plan& plan) const;
  void Write(float* out, std::int64_t index, const Plan& plan) const;
  template <typename Element, typename Convert>
  void Augmented(float* out, const Element* pixels, const Augmentation& augmentation, SampleRandom& random,
                 Convert convert) const;

  at::Tensor images_;     // a separate tensor whose memory may be shared with the caller
  std::int64_t version_;  // counts the writes to that memory
  std::vector<double> mean_, deviation_;
  Normalization normalization_;
  std::int64_t channels_, plane_;
  std::int64_t variants_;
  std::vector<std::int64_t> absent_;  // sorted
  bool in_file_;
};

}  // namespace torch_prune
