#include "pictures.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "../base/fields.h"
#include "device_pixels.h"

namespace torch_prune {

PictureDataset::PictureDataset(at::Tensor labels, const Settings& settings,
                               std::shared_ptr<ForeignDecoder> foreign)
    : Dataset(Targets(std::move(labels)), {3, settings.size, settings.size}),
      settings_(settings),
      normalization_(settings.mean, settings.deviation, 3),
      foreign_(std::move(foreign)) {}

void PictureDataset::CheckAugmentation(const Augmentation& augmentation) const {
  if (augmentation.crop && augmentation.crop->padding > 0) {
    throw Error(
        "ERR_ARGUMENT",
        "augment.crop.padding is for images in memory: here the crop moves within the resized picture");
  }
}

Dataset::Batch PictureDataset::Gather(const std::vector<std::int64_t>&, const at::Device&) const {
  throw Error("ERR_ARGUMENT", "these images are decoded off the event loop: use read() in place of batch()");
}

std::vector<Dataset::Skipped> PictureDataset::SkippedSamples() const {
  const std::lock_guard lock(mutex_);
  std::vector<Skipped> list;
  for (const auto& [index, reason] : skipped_) list.push_back({index, reason});
  return list;
}

void PictureDataset::NoteSkipped(std::int64_t index, const std::string& reason) const {
  const std::lock_guard lock(mutex_);
  skipped_.try_emplace(index, Name(index) + ": " + reason);
}

Frame PictureDataset::FrameOf(const Extent& picture, const Draft& draft) const {
  return settings_.Draw(picture, draft.augmentation, draft.random);
}

// One reading of a plan. Memory for a batch is allocated before threads may work on it.
class PictureDataset::Reading : public Pass {
 public:
  Reading(std::shared_ptr<const PictureDataset> dataset, Plan plan)
      : dataset_(std::move(dataset)),
        plan_(std::move(plan)),
        kept_(plan_.order.size()),
        batches_(static_cast<std::size_t>(plan_.steps())),
        threads_(static_cast<std::int64_t>(plan_.order.size()), dataset_->settings_.threads,
                 dataset_->foreign_, [this](std::int64_t item, Decoder& decoder) { Draw(item, decoder); }) {
    if (plan_.OnTensors()) {
      const auto& settings = dataset_->settings_;
      pixels_.emplace(dataset_->sample(), settings.mean, settings.deviation, plan_.augmentation,
                      plan_.device);
    }
    for (std::int64_t i = 0; i < dataset_->settings_.ahead; ++i) Prepare();
  }

  Batch Next(const Job& job) override {
    const std::int64_t first = done_ * plan_.batch_size, last = EndOf(done_);
    if (first >= last || !threads_.Wait(last, job)) return {};
    auto [images, holes] = std::exchange(batches_[done_++], {});
    std::vector<std::int64_t> indices, rows;
    for (std::int64_t i = first; i < last; ++i) {
      if (!kept_[i]) continue;
      indices.push_back(plan_.order[i]);
      rows.push_back(i - first);
    }
    // A GPU may still be copying from this memory; libtorch's pool of pinned memory knows when it has
    // finished.
    if (plan_.device.is_cpu()) lent_.push_back(images);
    if (static_cast<std::int64_t>(rows.size()) < last - first) {
      const auto kept = at::tensor(rows, at::kLong);
      images = images.index_select(0, kept);
      if (holes.defined()) holes = holes.index_select(1, kept);
    }
    Prepare();
    auto batch = dataset_->BatchOn(plan_.device, images, std::move(indices));
    if (!pixels_) return batch;
    if (holes.defined()) holes = Upload(holes, plan_.device);
    batch.images = pixels_->Normalized(batch.images, holes);
    return batch;
  }

 private:
  std::int64_t EndOf(std::int64_t batch) const {
    const std::int64_t first = batch * plan_.batch_size;
    return first + std::min(plan_.batch_size, static_cast<std::int64_t>(plan_.order.size()) - first);
  }

  void Prepare() {
    if (prepared_ >= plan_.steps()) return;
    const std::int64_t count = EndOf(prepared_) - prepared_ * plan_.batch_size;
    batches_[prepared_].images = Memory(count);
    if (pixels_ && plan_.augmentation.cutout > 0)
      batches_[prepared_].holes = BatchMemory({2, count}, at::kLong, plan_.device);
    ++prepared_;
    threads_.Allow(EndOf(prepared_ - 1));
  }

  // New memory costs a page fault every four kilobytes, so the memory of a batch that nobody holds anymore is
  // reused.
  at::Tensor Memory(std::int64_t count) {
    for (auto i = lent_.begin(); i != lent_.end(); ++i) {
      if (i->size(0) != count || i->use_count() > 1 || i->storage().use_count() > 1) continue;
      at::Tensor memory = std::move(*i);
      lent_.erase(i);
      return memory;
    }
    if (lent_.size() > 4) lent_.erase(lent_.begin());
    const auto side = dataset_->settings_.size;
    return BatchMemory({count, 3, side, side}, pixels_ ? at::kByte : at::kFloat, plan_.device);
  }

  void Draw(std::int64_t item, Decoder& decoder) {
    const std::int64_t index = plan_.order[item];
    const auto& [images, holes] = batches_[item / plan_.batch_size];
    const std::int64_t row = item % plan_.batch_size, side = dataset_->settings_.size, size = 3 * side * side;
    SampleRandom random(plan_.seed, index);
    Draft draft{plan_.augmentation, random, decoder, {}};
    if (pixels_) {
      draft.out = images.mutable_data_ptr<std::uint8_t>() + row * size;
    } else {
      draft.out = images.mutable_data_ptr<float>() + row * size;
    }
    try {
      dataset_->Draw(index, draft);
      if (plan_.augmentation.cutout > 0) CutOut(draft, holes, row);
      kept_[item] = 1;
    } catch (const Unreadable& error) {
      if (!decoder.stop) dataset_->NoteSkipped(index, error.what());
    }
  }

  // Cuts out of floats; of bytes, notes where, for 0 after normalizing is no byte.
  void CutOut(const Draft& draft, const at::Tensor& holes, std::int64_t row) const {
    const auto side = dataset_->settings_.size;
    const auto hole = Drawn::Hole::Of(side, side, draft.random);
    if (auto* const* floats = std::get_if<float*>(&draft.out)) {
      torch_prune::CutOut(*floats, 3, side, side, plan_.augmentation.cutout, hole);
      return;
    }
    auto* out = holes.mutable_data_ptr<std::int64_t>() + row;
    out[0] = hole.y;
    out[holes.size(1)] = hole.x;
  }

  // The memory of a batch: its pixels, and the cutouts [2, n] that a GPU makes.
  struct Drawing {
    at::Tensor images, holes;
  };

  const std::shared_ptr<const PictureDataset> dataset_;
  const Plan plan_;
  std::optional<DevicePixels> pixels_;  // set if threads leave bytes to be normalized on the device
  std::vector<char> kept_;
  std::vector<Drawing> batches_;
  std::vector<at::Tensor> lent_;
  std::int64_t prepared_ = 0, done_ = 0;
  ReadAhead threads_;  // last, so that it ends before what its threads use is destroyed
};

std::unique_ptr<Dataset::Pass> PictureDataset::Read(Plan plan) const {
  CheckIndices(plan.order);
  return std::make_unique<Reading>(std::static_pointer_cast<const PictureDataset>(shared_from_this()),
                                   std::move(plan));
}

namespace {

using Settings = PictureDataset::Settings;
const auto kSettingsFields =
    Fields<Settings>("imageSettings", Field("size", &Settings::size).Within(1, 4096),
                     Field("resize", &Settings::resize).Within(1, 8192), Field("mean", &Settings::mean),
                     Field("std", &Settings::deviation), Field("threads", &Settings::threads).Within(1, 256),
                     Field("ahead", &Settings::ahead).Within(1, 64), Field("exact", &Settings::exact),
                     Field("decodeMemory", &Settings::memory).AtLeast(1).Optional());

}  // namespace

PictureDataset::Settings ToPictureSettings(const Napi::Value& value) {
  auto settings = kSettingsFields.Read(value, "options");
  if (settings.resize >= settings.size) return settings;
  throw Error("ERR_ARGUMENT", "resize must be size (" + std::to_string(settings.size) + ") or more, got " +
                                  std::to_string(settings.resize));
}

Napi::Array ToPairs(Napi::Env env, const std::vector<std::string>& reasons) {
  auto pairs = Napi::Array::New(env);
  std::uint32_t count = 0;
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    if (reasons[i].empty()) continue;
    auto pair = Napi::Array::New(env, 2);
    pair.Set(0U, static_cast<double>(i));
    pair.Set(1U, reasons[i]);
    pairs.Set(count++, pair);
  }
  return pairs;
}

namespace {

// setForeignDecoder(decode): decode(id, path, memory) is called for images that the addon cannot decode
// itself.
Napi::Value SetForeignDecoder(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  if (!environment.foreign)
    environment.foreign = std::make_shared<ForeignDecoder>(info.Env(), ToFunction(info[0], "decode"));
  return info.Env().Undefined();
}

// foreignDecoded(id, pixels, width, height, channels): the pixels are red, green and blue, or four inks. Or
// foreignDecoded(id, reason).
Napi::Value ForeignDecoded(const Napi::CallbackInfo& info) {
  auto& foreign = Environment::Of(info.Env()).foreign;
  if (!foreign) throw Error("ERR_ARGUMENT", "nobody asked for a picture");
  const auto id = ToInteger(info[0], "id");
  if (info[1].IsString()) {
    foreign->Answer(id, {}, ToString(info[1], "reason"));
    return info.Env().Undefined();
  }
  if (!info[1].IsTypedArray() || info[1].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
    throw Error("ERR_ARGUMENT", "pixels must be a Uint8Array");
  const Extent extent{ToInteger(info[2], "width"), ToInteger(info[3], "height")};
  const auto channels = ToInteger(info[4], "channels");
  const auto bytes = BytesOf(info[1], "pixels");
  if (extent.width < 1 || extent.height < 1 || extent.width > 1 << 24 || extent.height > 1 << 24 ||
      (channels != 3 && channels != 4) ||
      static_cast<std::int64_t>(bytes.size()) != extent.width * extent.height * channels) {
    throw Error("ERR_SHAPE", "pixels must be height × width × 3 or 4 bytes");
  }
  foreign->Answer(id, {extent, channels, {bytes.begin(), bytes.end()}}, "");
  return info.Env().Undefined();
}

// jpegLibrary(): whether JPEG is decoded here, with libjpeg-turbo.
Napi::Value JpegLibrary(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), JpegLibraryWorks());
}

}  // namespace

void RegisterPictures(Napi::Object exports) {
  Export<SetForeignDecoder>(exports, "setForeignDecoder");
  Export<ForeignDecoded>(exports, "foreignDecoded");
  Export<JpegLibrary>(exports, "jpegLibrary");
}

}  // namespace torch_prune
