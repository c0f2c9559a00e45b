#pragma once
#include <map>
#include <mutex>
#include <string>
#include <variant>

#include "../base/arguments.h"
#include "dataset.h"
#include "frame.h"
#include "normalize.h"
#include "read_ahead.h"

namespace torch_prune {

// Samples that are images outside memory. Separate threads read and frame them ahead of training.
class PictureDataset : public Dataset {
 public:
  struct Settings : Framing {
    std::vector<double> mean, deviation;
    int threads;
    std::int64_t ahead;  // the number of batches that are read ahead
    bool exact;          // whether training decodes exactly like evaluation
    std::int64_t memory = kDecodeMemory;
  };

  void CheckAugmentation(const Augmentation& augmentation) const override;
  std::unique_ptr<Pass> Read(Plan plan) const override;
  Batch Gather(const std::vector<std::int64_t>& indices, const at::Device& device) const override;
  std::vector<Skipped> SkippedSamples() const override;
  bool Whole() const override { return false; }

 protected:
  PictureDataset(at::Tensor labels, const Settings& settings, std::shared_ptr<ForeignDecoder> foreign);

  // What is needed to draw a sample, except for its cutout, into `out`: [3, size, size], normalized float32,
  // or bytes that are normalized on a GPU. Drawing throws Unreadable.
  struct Draft {
    const Augmentation& augmentation;
    SampleRandom& random;
    Decoder& decoder;
    std::variant<float*, std::uint8_t*> out;
  };
  virtual void Draw(std::int64_t index, const Draft& draft) const = 0;
  // Calls write(channels, out), where `channels` says what becomes of a byte in `out`.
  template <typename Write>
  void Paint(const Draft& draft, Write write) const {
    if (auto* const* floats = std::get_if<float*>(&draft.out)) {
      write(normalization_, *floats);
    } else {
      write(AsBytes{}, std::get<std::uint8_t*>(draft.out));
    }
  }
  // Where the sample is, for messages.
  virtual std::string Name(std::int64_t index) const = 0;

  // The frame of an image, as drawn by the augmentation.
  Frame FrameOf(const Extent& picture, const Draft& draft) const;

  const Settings settings_;
  const Normalization normalization_;
  const std::shared_ptr<ForeignDecoder> foreign_;

 private:
  class Reading;
  void NoteSkipped(std::int64_t index, const std::string& reason) const;

  mutable std::mutex mutex_;
  mutable std::map<std::int64_t, std::string> skipped_;
};

PictureDataset::Settings ToPictureSettings(const Napi::Value& value);

// Makes [[index, reason]] for all samples that have a reason.
Napi::Array ToPairs(Napi::Env env, const std::vector<std::string>& reasons);

void RegisterPictures(Napi::Object exports);

}  // namespace torch_prune
