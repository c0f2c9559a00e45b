#pragma once
#include "mapped_file.h"
#include "pictures.h"

namespace torch_prune {

// The entry of a sample in the index of a packed file, as it is stored (little-endian, 24 bytes).
struct PackedRecord {
  std::uint64_t offset;  // where its pixels are: bytes [height, width, 3]
  std::uint32_t width, height;
  std::uint32_t label;
  std::uint32_t unused;
};
static_assert(sizeof(PackedRecord) == 24);

// Samples in a packed file, which are already decoded and resized. lib/data/packed.ts describes the format.
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
