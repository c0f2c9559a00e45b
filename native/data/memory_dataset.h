#pragma once
#include <map>
#include <mutex>
#include <optional>

#include "../base/field_types.h"
#include "dataset.h"
#include "device_pixels.h"
#include "normalize.h"

namespace torch_prune {

// Where the samples are that a GPU reads: copied to it once, or batch by batch. By itself: copied once if
// they take at most a quarter of its free memory.
enum class Residency { kAuto, kResident, kStreamed };
template <>
struct WordsOf<Residency> {
  static constexpr std::array kWords{Word{"auto", Residency::kAuto}, Word{"resident", Residency::kResident},
                                     Word{"streamed", Residency::kStreamed}};
};

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
                std::vector<std::int64_t> absent = {}, bool in_file = false,
                Residency residency = Residency::kAuto);

  std::vector<at::Tensor> Memory() const override { return {labels(), images_}; }
  void CheckAugmentation(const Augmentation& augmentation) const override;
  std::unique_ptr<Pass> Read(Plan plan) const override;
  NonFinite NonFiniteSamples() const override;
  Batch Gather(const std::vector<std::int64_t>& indices, const at::Device& device) const override;

 protected:
  std::shared_ptr<Dataset> Cut(std::int64_t begin, std::int64_t end) const override;

 private:
  class Reading;
  class ResidentReading;

  // The samples and their labels on a device.
  struct Resident {
    at::Tensor images, labels;
  };
  // Copies the samples to the plan's device, once; none if the plan is to be streamed.
  std::optional<Resident> ResidentFor(const Plan& plan) const;
  std::unique_ptr<Pass> Stream(Plan plan) const;
  DevicePixels PixelsFor(const Plan& plan) const;

  // What is chosen for a sample in a pass.
  struct Choice {
    std::int64_t row;  // of the images
    Drawn drawn = {};
  };
  Choice Choose(std::int64_t index, const Plan& plan) const;
  std::vector<std::int64_t> Present(const std::vector<std::int64_t>& indices) const;
  // Makes a batch on the CPU, and copies it to the device. `pixels` is what normalizes bytes there; null if
  // they are normalized here.
  Batch Take(const std::vector<std::int64_t>& indices, const Plan& plan, const DevicePixels* pixels) const;
  // Throws if somebody has written to the images since.
  void CheckUnchanged() const;
  void Expect(const std::vector<std::int64_t>& indices, const Plan& plan) const;
  void Write(float* out, const Choice& choice, const Plan& plan) const;
  void WriteBytes(std::uint8_t* out, const Choice& choice, const Plan& plan) const;
  template <typename Out, typename Element, typename Convert>
  void Move(Out* out, const Element* pixels, const Drawn& drawn, Convert convert) const;

  at::Tensor images_;     // a separate tensor whose memory may be shared with the caller
  std::int64_t version_;  // counts the writes to that memory
  std::vector<double> mean_, deviation_;
  Normalization normalization_;
  std::int64_t channels_, plane_;
  std::int64_t variants_;
  std::vector<std::int64_t> absent_;  // sorted
  bool in_file_;
  Residency residency_;
  mutable std::mutex mutex_;
  mutable std::map<c10::DeviceIndex, Resident> resident_;
};

}  // namespace torch_prune
