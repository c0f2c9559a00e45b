#include "packed_dataset.h"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "../base/fields.h"
#include "file_list.h"
#include "picture_file.h"

namespace torch_prune {

PackedDataset::PackedDataset(File file, std::string path, Records records, std::int64_t begin,
                             at::Tensor labels, const Settings& settings)
    : PictureDataset(std::move(labels), settings, nullptr),
      file_(std::move(file)),
      path_(std::move(path)),
      records_(std::move(records)),
      begin_(begin) {}

std::string PackedDataset::Name(std::int64_t index) const {
  return path_ + ": image " + std::to_string(begin_ + index);
}

void PackedDataset::Draw(std::int64_t index, const Draft& draft) const {
  const PackedRecord& record = (*records_)[begin_ + index];
  const std::int64_t stride = std::int64_t{record.width} * 3;
  const Frame frame = FrameOf({record.width, record.height}, draft);
  const bool flip = draft.augmentation.flip && draft.random.Coin();
  const auto side = settings_.size;
  if (frame.Resizes()) {
    Painter& painter = draft.decoder.painter;
    painter.Begin(frame);
    file_->Read([&](const std::uint8_t* file) {
      const std::uint8_t* const pixels = file + record.offset;
      for (std::int64_t y = painter.top(); y < painter.bottom(); ++y) painter.Row3(pixels + y * stride, 0);
    });
    Paint(draft, [&](const auto& channels, auto* out) { painter.Finish(channels, flip, out); });
  } else {
    const auto first = record.offset + static_cast<std::uint64_t>((frame.top + frame.y) * stride +
                                                                  (frame.left + frame.x) * 3);
    Paint(draft, [&](const auto& channels, auto* out) {
      file_->Read([&](const std::uint8_t* file) {
        for (std::int64_t y = 0; y < side; ++y)
          WriteRow<3>(file + first + y * stride, side, channels, flip, side * side, out + y * side);
      });
    });
  }
}

std::shared_ptr<Dataset> PackedDataset::Cut(std::int64_t begin, std::int64_t end) const {
  return std::make_shared<PackedDataset>(file_, path_, records_, begin_ + begin,
                                         labels().slice(0, begin, end), settings_);
}

namespace {

// Where the index of a packed file lies, and what its labels are under.
struct Layout {
  std::uint64_t index, count, classes;
};
const auto kLayoutFields = Fields<Layout>("packedLayout", Field("index", &Layout::index),
                                          Field("count", &Layout::count), Field("classes", &Layout::classes));

// packedMake(path, layout, settings): the index is checked before any of it is used.
Napi::Value MakePacked(const Napi::CallbackInfo& info) {
  const std::string path = ToString(info[0], "path");
  const auto [index, count, classes] = kLayoutFields.Read(info[1], "layout");
  const auto settings = ToPictureSettings(info[2]);
  auto file = std::make_shared<const MappedFile>(path);
  const auto refuse = [&](const std::string& what) -> void {
    throw Error("ERR_FILE", path + ": " + what + "; pack the images again");
  };
  if (count < 1 || index > file->size() || count > (file->size() - index) / sizeof(PackedRecord))
    refuse("its index does not lie in the file");
  auto records = std::make_shared<std::vector<PackedRecord>>(count);
  file->Read([&](const std::uint8_t* bytes) {
    std::memcpy(records->data(), bytes + index, count * sizeof(PackedRecord));
  });
  at::Tensor labels = at::empty({static_cast<std::int64_t>(count)}, at::kLong);
  auto* out = labels.mutable_data_ptr<std::int64_t>();
  for (std::uint64_t i = 0; i < count; ++i) {
    const PackedRecord& record = (*records)[i];
    const std::uint64_t bytes = std::uint64_t{record.width} * record.height;
    if (bytes == 0 || bytes > index / 3 || record.offset > index - bytes * 3)
      refuse("the pixels of image " + std::to_string(i) + " do not lie in the file");
    if (record.label >= classes) {
      refuse("image " + std::to_string(i) + " has the label " + std::to_string(record.label) + " of " +
             std::to_string(classes) + " classes");
    }
    *out++ = record.label;
  }
  return DatasetHandle::Wrap(info.Env(),
                             std::make_shared<PackedDataset>(std::move(file), path, std::move(records), 0,
                                                             std::move(labels), settings));
}

struct PackOptions {
  std::string out;
  std::uint64_t offset;
  std::int64_t resize;
  int threads;
  std::int64_t memory = kDecodeMemory;
};
const auto kPackFields =
    Fields<PackOptions>("pack", Field("out", &PackOptions::out), Field("offset", &PackOptions::offset),
                        Field("resize", &PackOptions::resize).Within(1, 8192),
                        Field("threads", &PackOptions::threads).Within(1, 256),
                        Field("decodeMemory", &PackOptions::memory).AtLeast(1).Optional());

// Decodes files, resizes them so that their shorter side is `resize`, and appends them one after another.
struct Packing : PackOptions {
  explicit Packing(PackOptions options) : PackOptions(std::move(options)) {}

  std::shared_ptr<const FileList> files;
  std::shared_ptr<ForeignDecoder> foreign;
  std::vector<std::string> reasons;
  std::vector<PackedRecord> records;
  bool cancelled = false;

  struct Picture {
    Extent extent;
    std::vector<std::uint8_t> bytes;
  };

  Slices Run(Job& job) {
    const Descriptor file(open(out.c_str(), O_WRONLY | O_CLOEXEC));
    if (file.get() < 0) FailWriting();
    const auto count = static_cast<std::int64_t>(files->paths.size());
    reasons.resize(files->paths.size());
    std::vector<Picture> pictures(files->paths.size());
    ReadAhead threaded(count, threads, foreign, [&](std::int64_t i, Decoder& decoder) {
      try {
        pictures[i] = DecodeOne(files->paths[i], decoder);
      } catch (const Unreadable& error) {
        reasons[i] = error.what();
      }
    });
    for (std::int64_t i = 0; i < count; ++i) {
      threaded.Allow(i + 16 + 4 * threads);
      if (!threaded.Wait(i + 1, job)) {
        cancelled = true;
        co_return;
      }
      const Picture picture = std::move(pictures[i]);
      if (!picture.bytes.empty()) {
        records.push_back({offset, static_cast<std::uint32_t>(picture.extent.width),
                           static_cast<std::uint32_t>(picture.extent.height),
                           static_cast<std::uint32_t>(files->labels[i]), 0});
        Write(file.get(), picture.bytes.data(), picture.bytes.size());
      }
      if (job.WantsReport()) job.Report({static_cast<double>(i + 1), static_cast<double>(count)});
      co_await kHandOver;
    }
    offset = (offset + 7) / 8 * 8;
    index = offset;
    Write(file.get(), records.data(), records.size() * sizeof(PackedRecord));
  }

  std::uint64_t index = 0;

 private:
  Picture DecodeOne(const std::string& path, Decoder& decoder) const {
    Picture picture;
    PaintFile(
        path,
        [&](const Extent& whole) {
          Frame frame;
          frame.box = whole;
          frame.grid = frame.window = picture.extent = Framing::Resized(whole, resize);
          CheckExtent(picture.extent);
          return frame;
        },
        {.memory = memory}, decoder);
    picture.bytes.resize(static_cast<std::size_t>(picture.extent.width * picture.extent.height) * 3);
    decoder.painter.FinishBytes(picture.bytes.data());
    return picture;
  }

  void Write(int file, const void* bytes, std::size_t size) {
    const auto* from = static_cast<const std::uint8_t*>(bytes);
    while (size > 0) {
      const ssize_t wrote = pwrite(file, from, size, static_cast<off_t>(offset));
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote <= 0) FailWriting();
      from += wrote;
      size -= static_cast<std::size_t>(wrote);
      offset += static_cast<std::uint64_t>(wrote);
    }
  }

  [[noreturn]] void FailWriting() const {
    const bool full = errno == ENOSPC || errno == EDQUOT;
    throw Error("ERR_OUTPUT", out + ": cannot be written (" + std::strerror(errno) + ")" +
                                  (full ? "; free some space and try again" : "; check the place"));
  }
};

// packStart(files, options, onProgress?): writes pixels starting at
// `offset`, followed by the index. Returns {index, end, count, skipped: [[index, reason]]}.
Napi::Value Pack(const Napi::CallbackInfo& info) {
  auto& environment = Environment::Of(info.Env());
  auto packing = std::make_shared<Packing>(kPackFields.Read(info[1], "options"));
  packing->files = ToFiles(info[0]);
  packing->foreign = environment.foreign;
  const auto job = environment.compute.NewJob(info.Env());
  if (info[2].IsFunction()) job->on_progress = Napi::Persistent(info[2].As<Napi::Function>());
  job->slices = [packing](Job& running) { return packing->Run(running); };
  job->finish = [packing](Napi::Env env) -> Napi::Value {
    auto result = Napi::Object::New(env);
    result.Set("index", static_cast<double>(packing->index));
    result.Set("end", static_cast<double>(packing->offset));
    result.Set("count", static_cast<double>(packing->records.size()));
    result.Set("skipped", ToPairs(env, packing->reasons));
    return result;
  };
  return environment.compute.Start(info.Env(), job);
}

}  // namespace

void RegisterPacked(Napi::Object exports) {
  Export<MakePacked>(exports, "packedMake");
  Export<Pack>(exports, "packStart");
}

}  // namespace torch_prune
