#pragma once
#include "file_list.h"
#include "pictures.h"

namespace torch_prune {

// Samples in image files, which are decoded as they are needed.
class FolderDataset : public PictureDataset {
 public:
  // Sample i is files->paths[begin + i].
  FolderDataset(std::shared_ptr<const FileList> files, std::int64_t begin, at::Tensor labels,
                const Settings& settings, std::shared_ptr<ForeignDecoder> foreign);

 protected:
  void Draw(std::int64_t index, const Draft& draft) const override;
  std::string Name(std::int64_t index) const override { return files_->paths[begin_ + index]; }
  std::shared_ptr<Dataset> Cut(std::int64_t begin, std::int64_t end) const override;

 private:
  const std::shared_ptr<const FileList> files_;
  const std::int64_t begin_;
};

void RegisterFolder(Napi::Object exports);

}  // namespace torch_prune
