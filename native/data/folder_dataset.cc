#include "folder_dataset.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "../base/fields.h"
#include "../tensor/tensor.h"
#include "picture_file.h"

namespace torch_prune {

FolderDataset::FolderDataset(std::shared_ptr<const FileList> files, std::int64_t begin, at::Tensor labels,
                             const Settings& settings, std::shared_ptr<ForeignDecoder> foreign)
    : PictureDataset(std::move(labels), settings, std::move(foreign)),
      files_(std::move(files)),
      begin_(begin) {}

void FolderDataset::Draw(std::int64_t index, const Draft& draft) const {
  const bool fast = draft.augmentation.Any() && !settings_.exact;
  PaintFile(
      Name(index), [&](const Extent& picture) { return FrameOf(picture, draft); }, {fast, settings_.memory},
      draft.decoder);
  const bool flip = draft.augmentation.flip && draft.random.Coin();
  Paint(draft, [&](const auto& channels, auto* out) { draft.decoder.painter.Finish(channels, flip, out); });
}

std::shared_ptr<Dataset> FolderDataset::Cut(std::int64_t begin, std::int64_t end) const {
  return std::make_shared<FolderDataset>(files_, begin_ + begin, labels().slice(0, begin, end), settings_,
                                         foreign_);
}

namespace {

// imageFolderMake(files, settings)
Napi::Value MakeFolder(const Napi::CallbackInfo& info) {
  auto files = ToFiles(info[0]);
  const auto count = static_cast<std::int64_t>(files->labels.size());
  const at::Tensor labels = at::empty({count}, at::kLong);
  std::copy(files->labels.begin(), files->labels.end(), labels.mutable_data_ptr<std::int64_t>());
  return DatasetHandle::Wrap(
      info.Env(), std::make_shared<FolderDataset>(std::move(files), 0, labels, ToPictureSettings(info[1]),
                                                  Environment::Of(info.Env()).foreign));
}

// imagesDecode(files, {height, width, threads}, onProgress?): decodes files of exactly that size to {pixels:
// uint8 [N, 3, height, width], skipped: [[index, reason]]}.
struct Decoding {
  std::shared_ptr<const FileList> files;
  Extent extent;
  int threads = 1;
  std::shared_ptr<ForeignDecoder> foreign;
  at::Tensor pixels;
  std::vector<std::string> reasons;

  Slices Run(Job& job) {
    const auto count = static_cast<std::int64_t>(files->paths.size());
    pixels = at::zeros({count, 3, extent.height, extent.width}, at::kByte);
    reasons.resize(files->paths.size());
    auto* out = pixels.mutable_data_ptr<std::uint8_t>();
    ReadAhead threaded(count, threads, foreign, [&](std::int64_t i, Decoder& decoder) {
      try {
        DecodeOne(files->paths[i], decoder, out + i * 3 * extent.height * extent.width);
      } catch (const Unreadable& error) {
        reasons[i] = error.what();
      }
    });
    threaded.Allow(count);
    for (std::int64_t done = 0; done < count && threaded.Wait(std::min(done + 64, count), job);) {
      done = std::min(done + 64, count);
      if (job.WantsReport()) job.Report({static_cast<double>(done), static_cast<double>(count)});
      co_await kHandOver;
    }
  }

  void DecodeOne(const std::string& path, Decoder& decoder, std::uint8_t* out) const {
    const auto whole = [&](const Extent& picture) {
      if (picture.width != extent.width || picture.height != extent.height) {
        throw Unreadable("has " + std::to_string(picture.width) + "×" + std::to_string(picture.height) +
                         " pixels, not " + std::to_string(extent.width) + "×" +
                         std::to_string(extent.height));
      }
      Frame frame;
      frame.box = frame.grid = frame.window = picture;
      return frame;
    };
    PaintFile(path, whole, {}, decoder);
    decoder.painter.Finish(AsBytes{}, /*flip=*/false, out);
  }
};

struct DecodeOptions {
  std::int64_t width, height;
  int threads;
};
const auto kDecodeFields =
    Fields<DecodeOptions>("decode", Field("width", &DecodeOptions::width).Within(1, 4096),
                          Field("height", &DecodeOptions::height).Within(1, 4096),
                          Field("threads", &DecodeOptions::threads).Within(1, 256));

Napi::Value Decode(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  const auto options = kDecodeFields.Read(info[1], "options");
  auto decoding = std::make_shared<Decoding>();
  decoding->files = ToFiles(info[0]);
  decoding->extent = {options.width, options.height};
  decoding->threads = options.threads;
  decoding->foreign = environment.foreign;
  const auto job = environment.compute.NewJob(info.Env());
  if (info[2].IsFunction()) job->on_progress = Napi::Persistent(info[2].As<Napi::Function>());
  job->slices = [decoding](Job& running) { return decoding->Run(running); };
  job->finish = [decoding](Napi::Env env) -> Napi::Value {
    auto result = Napi::Object::New(env);
    result.Set("pixels", Wrap(env, decoding->pixels));
    result.Set("skipped", ToPairs(env, decoding->reasons));
    return result;
  };
  return environment.compute.Start(info.Env(), job);
}

}  // namespace

void RegisterFolder(Napi::Object exports) {
  Export<MakeFolder>(exports, "imageFolderMake");
  Export<Decode>(exports, "imagesDecode");
}

}  // namespace torch_prune
