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
                             std::vector<std::int64_t> absent, bool in_file, Residency residency)
    : Dataset(std::move(targets),
              images.dim() > 0 ? images.sizes().slice(1).vec() : std::vector<std::int64_t>{}),
      images_(images.detach().contiguous()),
      version_(images_._version()),
      mean_(mean),
      deviation_(deviation),
      variants_(variants),
      absent_(std::move(absent)),
      in_file_(in_file),
      residency_(residency) {
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

template <typename Out, typename Element, typename Convert>
void MemoryDataset::Move(Out* out, const Element* pixels, const Drawn& drawn, Convert convert) const {
  const std::int64_t height = sample()[1], width = sample()[2];
  const std::int64_t dy = drawn.dy, dx = drawn.dx;
  // The part of a row of the result, before it is flipped, that is inside the image.
  const std::int64_t begin = std::clamp<std::int64_t>(-dx, 0, width);
  const std::int64_t end = std::clamp<std::int64_t>(width - dx, begin, width);
  for (std::int64_t c = 0; c < channels_; ++c) {
    const Out black = convert(Element{0}, c);
    for (std::int64_t y = 0; y < height; ++y, out += width) {
      const std::int64_t from = y + dy;
      const bool inside = from >= 0 && from < height;
      if (!inside || end - begin < width) std::fill(out, out + width, black);
      if (!inside) continue;
      const Element* row = pixels + (c * height + from) * width + dx;
      if (drawn.flip) {
        for (std::int64_t x = begin; x < end; ++x) out[width - 1 - x] = convert(row[x], c);
      } else {
        for (std::int64_t x = begin; x < end; ++x) out[x] = convert(row[x], c);
      }
    }
  }
}

MemoryDataset::Choice MemoryDataset::Choose(std::int64_t index, const Plan& plan) const {
  SampleRandom random(plan.seed, index);
  Choice choice{variants_ > 1 ? random.Below(variants_) * size() + index : index};
  if (plan.augmentation.Any()) choice.drawn = Drawn::Of(plan.augmentation, sample()[1], sample()[2], random);
  return choice;
}

std::vector<std::int64_t> MemoryDataset::Present(const std::vector<std::int64_t>& indices) const {
  std::vector<std::int64_t> present;
  std::copy_if(indices.begin(), indices.end(), std::back_inserter(present), [this](std::int64_t index) {
    return !std::binary_search(absent_.begin(), absent_.end(), index);
  });
  return present;
}

void MemoryDataset::Expect(const std::vector<std::int64_t>& indices, const Plan& plan) const {
  for (const auto index : indices) Prefetch(images_, Choose(index, plan).row);
}

void MemoryDataset::Write(float* out, const Choice& choice, const Plan& plan) const {
  const std::int64_t sample = channels_ * plane_;
  float* const first = out;
  const bool plain = !plan.augmentation.Any();
  // In a loop of its own, for it is nearly all that a batch of bytes costs.
  if (plain && images_.scalar_type() == at::kByte) {
    const std::uint8_t* pixels = images_.const_data_ptr<std::uint8_t>() + choice.row * sample;
    for (std::int64_t c = 0; c < channels_; ++c) {
      const float* table = normalization_.channel(c);
      for (std::int64_t i = 0; i < plane_; ++i) *out++ = table[*pixels++];
    }
  } else if (plain && images_.scalar_type() == at::kFloat) {
    std::memcpy(out, images_.const_data_ptr<float>() + choice.row * sample, sample * sizeof(float));
  } else if (images_.scalar_type() == at::kByte) {
    Move(out, images_.const_data_ptr<std::uint8_t>() + choice.row * sample, choice.drawn,
         [this](std::uint8_t value, std::int64_t c) { return normalization_.channel(c)[value]; });
  } else {
    AT_DISPATCH_ALL_TYPES_AND3(at::kBool, at::kHalf, at::kBFloat16, images_.scalar_type(), "samples", [&] {
      const scalar_t* values = images_.const_data_ptr<scalar_t>() + choice.row * sample;
      const auto to_float = [](scalar_t value, std::int64_t) { return static_cast<float>(value); };
      if (plain) {
        std::copy(values, values + sample, out);
      } else {
        Move(out, values, choice.drawn, to_float);
      }
    });
  }
  if (plan.augmentation.cutout > 0) {
    CutOut(first, channels_, this->sample()[1], this->sample()[2], plan.augmentation.cutout,
           choice.drawn.hole);
  }
}

void MemoryDataset::WriteBytes(std::uint8_t* out, const Choice& choice, const Plan& plan) const {
  const std::int64_t sample = channels_ * plane_;
  const std::uint8_t* pixels = images_.const_data_ptr<std::uint8_t>() + choice.row * sample;
  if (!plan.augmentation.Any()) {
    std::memcpy(out, pixels, static_cast<std::size_t>(sample));
  } else {
    Move(out, pixels, choice.drawn, [](std::uint8_t value, std::int64_t) { return value; });
  }
}

void MemoryDataset::CheckUnchanged() const {
  if (images_._version() == version_) return;
  throw Error(
      "ERR_ARGUMENT",
      "the images of this dataset were written to after it was made: make the dataset of a clone(), or "
      "make another one of the new images");
}

Dataset::Batch MemoryDataset::Take(const std::vector<std::int64_t>& wanted, const Plan& plan,
                                   const DevicePixels* pixels) const {
  CheckUnchanged();
  CheckIndices(wanted);
  auto indices = Present(wanted);
  const auto count = static_cast<std::int64_t>(indices.size());
  auto shape = images_.sizes().vec();
  shape[0] = count;
  const bool cuts_later = pixels != nullptr && plan.augmentation.cutout > 0;
  const at::Tensor images = BatchMemory(shape, pixels ? at::kByte : at::kFloat, plan.device);
  const at::Tensor holes = cuts_later ? BatchMemory({2, count}, at::kLong, plan.device) : at::Tensor();
  auto* const hole = cuts_later ? holes.mutable_data_ptr<std::int64_t>() : nullptr;
  const std::int64_t sample = channels_ * plane_;
  void* const out = images.mutable_data_ptr();
  at::parallel_for(0, count, std::max<std::int64_t>(1, kGrain / std::max<std::int64_t>(1, sample)),
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t i = begin; i < end; ++i) {
                       const Choice choice = Choose(indices[i], plan);
                       if (pixels) {
                         WriteBytes(static_cast<std::uint8_t*>(out) + i * sample, choice, plan);
                       } else {
                         Write(static_cast<float*>(out) + i * sample, choice, plan);
                       }
                       if (!hole) continue;
                       hole[i] = choice.drawn.hole.y;
                       hole[count + i] = choice.drawn.hole.x;
                     }
                   });
  auto batch = BatchOn(plan.device, images, std::move(indices));
  if (pixels)
    batch.images = pixels->Normalized(batch.images, cuts_later ? Upload(holes, plan.device) : holes);
  return batch;
}

class MemoryDataset::Reading : public Pass {
 public:
  Reading(std::shared_ptr<const MemoryDataset> dataset, Plan plan)
      : dataset_(std::move(dataset)), plan_(std::move(plan)) {
    if (plan_.OnTensors() && dataset_->images_.scalar_type() == at::kByte)
      pixels_.emplace(dataset_->PixelsFor(plan_));
  }

  Batch Take(const std::vector<std::int64_t>& wanted) const {
    return dataset_->Take(wanted, plan_, pixels_ ? &*pixels_ : nullptr);
  }

  Batch Next(const Job&) override {
    const auto wanted = Following();
    done_ += static_cast<std::int64_t>(wanted.size());
    auto batch = Take(wanted);
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
  std::optional<DevicePixels> pixels_;  // set if bytes are normalized on the device
  std::int64_t done_ = 0;
};

std::unique_ptr<Dataset::Pass> MemoryDataset::Stream(Plan plan) const {
  return std::make_unique<Reading>(std::static_pointer_cast<const MemoryDataset>(shared_from_this()),
                                   std::move(plan));
}

Dataset::Batch MemoryDataset::Gather(const std::vector<std::int64_t>& indices,
                                     const at::Device& device) const {
  Plan plan;
  plan.device = device;
  return Reading(std::static_pointer_cast<const MemoryDataset>(shared_from_this()), plan).Take(indices);
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
                                         mean_, deviation_, 1, std::vector<std::int64_t>{}, false,
                                         residency_);
}

}  // namespace torch_prune
