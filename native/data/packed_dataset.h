#pragma once
#include "mapped_file.h"
#include "pictures.h"

namespace torch_prune {

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
  using File = std::shared_ptr<const MappedFile>;

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
