#pragma once
#include <ctime>

#include "descriptor.h"
#include "pictures.h"

namespace torch_prune {

// A file that is read at any place, by any number of threads, and must stay as it is. It is not mapped into
// memory: where a mapped file is cut, the process ends.
class ConstantFile {
 public:
  // Throws Error, as do the others.
  explicit ConstantFile(const std::string& path);

  // Throws where the file changed since it was opened.
  void Read(std::uint64_t offset, std::size_t size, void* out) const;
  std::uint64_t size() const { return size_; }

 private:
  std::string path_;
  Descriptor file_;
  std::uint64_t size_ = 0;
  timespec modified_{};
};

// What the index of a packed file says of a sample, as it lies there (little-endian, 24 bytes).
struct PackedRecord {
  std::uint64_t offset;  // of its pixels: bytes [height, width, 3]
  std::uint32_t width, height;
  std::uint32_t label;
  std::uint32_t unused;
};
static_assert(sizeof(PackedRecord) == 24);

// Samples in a packed file (lib/data/packed.ts says its format): decoded and resized already.
class PackedDataset : public PictureDataset {
 public:
  using Records = std::shared_ptr<const std::vector<PackedRecord>>;
  using File = std::shared_ptr<const ConstantFile>;

  PackedDataset(File file, std::string path, Records records, std::int64_t begin, at::Tensor labels,
                const Settings& settings);

 protected:
  void Draw(std::int64_t index, const Draft& draft) const override;
  std::string Name(std::int64_t index) const override;
  std::shared_ptr<Dataset> Cut(std::int64_t begin, std::int64_t end) const override;

 private:
  const File file_;
  const std::string path_;
  const Records records_;
  const std::int64_t begin_;
};

void RegisterPacked(Napi::Object exports);

}  // namespace torch_prune
