#include "memory_dataset.h"

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>

#include "file_tensor.h"

namespace torch_prune {
namespace {

// The number of elements of a batch below which a second thread is not worth it.
constexpr std::int64_t kGrain = 1 << 15;

}  // namespace

MemoryDataset::MemoryDataset(at::Tensor images, Targets targets, const std::vector<double>& mean,
                             const std::vector<double>& deviation, std::int64_t variants,
                             std::vector<std::int64_t> absent, bool in_file)
    : Dataset(std::move(targets),
              images.dim() > 0 ? images.sizes().slice(1).vec() : std::vector<std::int64_t>{}),
      images_(images.detach().contiguous()),
      version_(images_._version()),
      mean_(mean),
      deviation_(deviation),
      variants_(variants),
      absent_(std::move(absent)),
      in_file_(in_file) {
  const auto dtype = images_.scalar_type();
  if (images_.is_complex() || images_.is_quantized())
    throw Error("ERR_DTYPE", "images must be uint8, other whole numbers or floats");
  if (!images_.is_cpu())
    throw Error("ERR_DEVICE", "a dataset lies in the CPU's memory: batches go to the device");
  if (images_.dim() < 2 || images_.size(0) != size() * variants) {
    throw Error("ERR_SHAPE", "images must be [N, C, ...] and labels [N] or [N, ...], got " +
                                 c10::str(images_.sizes()) + " and " + c10::str(labels().sizes()));
  }
  channels_ = images_.size(1);
  plane_ = images_.numel() / images_.size(0) / std::max<std::int64_t>(channels_, 1);
  if (dtype == at::kByte) {
    normalization_ = Normalization(mean, deviation, channels_);
  } else if (!mean.empty() || !deviation.empty()) {
    throw Error("ERR_ARGUMENT", "only uint8 images are normalized here: leave mean and std out for others");
  }
}

void MemoryDataset::CheckAugmentation(const Augmentation& augmentation) const {
  if (!augmentation.Any()) return;
  if (sample().size() != 3) {
    throw Error("ERR_SHAPE", "augment is for images [channels, height, width], these samples are " +
                                 c10::str(sample()) + ": leave it out");
  }
  if (augmentation.resized_crop) {
    throw Error(
        "ERR_ARGUMENT",
        "augment.resizedCrop is for folders of images and packed ones: use crop for images in memory");
  }
}

template <typename Element, typename Convert>
void MemoryDataset::Augmented(float* out, const Element* pixels, const Augmentation& augmentation,
                              SampleRandom& random, Convert convert) const {
  const std::int64_t height = sample()[1], width = sample()[2];
  float* const first = out;
  std::int64_t dy = 0, dx = 0;
  if (augmentation.crop) {
    const auto padding = augmentation.crop->padding;
    dy = random.Below(2 * padding + 1) - padding;
    dx = random.Below(2 * padding + 1) - padding;
  }
  const bool flip = augmentation.flip && random.Coin();
  // The part of a row of the result, before it is flipped, that is inside the image.
  const std::int64_t begin = std::clamp<std::int64_t>(-dx, 0, width);
  const std::int64_t end = std::clamp<std::int64_t>(width - dx, begin, width);
  for (std::int64_t c = 0; c < channels_; ++c) {
    const float black = convert(Element{0}, c);
    for (std::int64_t y = 0; y < height; ++y, out += width) {
      const std::int64_t from = y + dy;
      const bool inside = from >= 0 && from < height;
      if (!inside || end - begin < width) std::fill(out, out + width, black);
      if (!inside) continue;
      const Element* row = pixels + (c * height + from) * width + dx;
      if (flip) {
        for (std::int64_t x = begin; x < end; ++x) out[width - 1 - x] = convert(row[x], c);
      } else {
        for (std::int64_t x = begin; x < end; ++x) out[x] = convert(row[x], c);
      }
    }
  }
  if (augmentation.cutout > 0) CutOut(first, channels_, height, width, augmentation.cutout, random);
}

std::int64_t MemoryDataset::Row(std::int64_t index, SampleRandom& random) const {
  return variants_ > 1 ? random.Below(variants_) * size() + index : index;
}

void MemoryDataset::Expect(const std::vector<std::int64_t>& indices, const Plan& plan) const {
  for (const auto index : indices) {
    SampleRandom random(plan.seed, index);
    ReadAhead(images_, Row(index, random));
  }
}

void MemoryDataset::Write(float* out, std::int64_t index, const Plan& plan) const {
  const std::int64_t sample = channels_ * plane_;
  SampleRandom random(plan.seed, index);
  const std::int64_t row = Row(index, random);
  const bool plain = !plan.augmentation.Any();
  // In a loop of its own, for it is nearly all that a batch of bytes costs.
  if (plain && images_.scalar_type() == at::kByte) {
    const std::uint8_t* pixels = images_.const_data_ptr<std::uint8_t>() + row * sample;
    for (std::int64_t c = 0; c < channels_; ++c) {
      const float* table = normalization_.channel(c);
      for (std::int64_t i = 0; i < plane_; ++i) *out++ = table[*pixels++];
    }
  } else if (plain && images_.scalar_type() == at::kFloat) {
    std::memcpy(out, images_.const_data_ptr<float>() + row * sample, sample * sizeof(float));
  } else if (images_.scalar_type() == at::kByte) {
    Augmented(out, images_.const_data_ptr<std::uint8_t>() + row * sample, plan.augmentation, random,
              [this](std::uint8_t value, std::int64_t c) { return normalization_.channel(c)[value]; });
  } else {
    AT_DISPATCH_ALL_TYPES_AND3(at::kBool, at::kHalf, at::kBFloat16, images_.scalar_type(), "samples", [&] {
      const scalar_t* values = images_.const_data_ptr<scalar_t>() + row * sample;
      const auto to_float = [](scalar_t value, std::int64_t) { return static_cast<float>(value); };
      if (plain) {
        std::copy(values, values + sample, out);
      } else {
        Augmented(out, values, plan.augmentation, random, to_float);
      }
    });
  }
}

void MemoryDataset::CheckUnchanged() const {
  if (images_._version() == version_) return;
  throw Error(
      "ERR_ARGUMENT",
      "the images of this dataset were written to after it was made: make the dataset of a clone(), or "
      "make another one of the new images");
}

Dataset::Batch MemoryDataset::Take(const std::vector<std::int64_t>& wanted, const Plan& plan) const {
  CheckUnchanged();
  CheckIndices(wanted);
  std::vector<std::int64_t> indices;
  std::copy_if(wanted.begin(), wanted.end(), std::back_inserter(indices), [this](std::int64_t index) {
    return !std::binary_search(absent_.begin(), absent_.end(), index);
  });
  auto shape = images_.sizes().vec();
  shape[0] = static_cast<std::int64_t>(indices.size());
  const at::Tensor images = BatchMemory(shape, at::kFloat, plan.device);
  const std::int64_t sample = channels_ * plane_;
  float* out = images.mutable_data_ptr<float>();
  at::parallel_for(0, shape[0], std::max<std::int64_t>(1, kGrain / std::max<std::int64_t>(1, sample)),
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t i = begin; i < end; ++i) Write(out + i * sample, indices[i], plan);
                   });
  return BatchOn(plan.device, images, std::move(indices));
}

Dataset::Batch MemoryDataset::Gather(const std::vector<std::int64_t>& indices,
                                     const at::Device& device) const {
  Plan plan;
  plan.device = device;
  return Take(indices, plan);
}

class MemoryDataset::Reading : public Pass {
 public:
  Reading(std::shared_ptr<const MemoryDataset> dataset, Plan plan)
      : dataset_(std::move(dataset)), plan_(std::move(plan)) {}

  Batch Next(const Job&) override {
    const auto wanted = Following();
    done_ += static_cast<std::int64_t>(wanted.size());
    auto batch = dataset_->Take(wanted, plan_);
    if (dataset_->in_file_) dataset_->Expect(Following(), plan_);
    return batch;
  }

 private:
  std::vector<std::int64_t> Following() const {
    const auto rest = static_cast<std::int64_t>(plan_.order.size()) - done_;
    const auto from = plan_.order.begin() + done_;
    return {from, from + std::min(plan_.batch_size, rest)};
  }

  std::shared_ptr<const MemoryDataset> dataset_;
  Plan plan_;
  std::int64_t done_ = 0;
};

std::unique_ptr<Dataset::Pass> MemoryDataset::Read(Plan plan) const {
  return std::make_unique<Reading>(std::static_pointer_cast<const MemoryDataset>(shared_from_this()),
                                   std::move(plan));
}

NonFinite MemoryDataset::NonFiniteSamples() const {
  auto found = FindNonFinite(images_);
  if (found.any()) found.first /= channels_ * plane_;
  return found;
}

std::shared_ptr<Dataset> MemoryDataset::Cut(std::int64_t begin, std::int64_t end) const {
  if (variants_ > 1 || !absent_.empty())
    throw Error("ERR_ARGUMENT", "a cache of a frozen prefix cannot be sliced: slice its dataset first");
  CheckUnchanged();
  return std::make_shared<MemoryDataset>(images_.slice(0, begin, end), Targets(labels().slice(0, begin, end)),
                                         mean_, deviation_);
}

}  // namespace torch_prune
