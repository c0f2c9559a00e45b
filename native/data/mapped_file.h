#pragma once
#include <cstdint>
#include <ctime>
#include <functional>
#include <string>

#include "descriptor.h"

namespace torch_prune {

// A file in memory's address range, read only, by any number of threads. It must stay as it is; where it does
// not, reading is an Error, not the end of the process.
class MappedFile {
 public:
  // Throws Error.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::uint64_t size() const { return size_; }

  // Calls `read` with the file's first byte. Throws Error where the file changed since it was opened. Where
  // it was cut, `read` is left at that very place: nothing in it may have a destructor to run.
  void Read(const std::function<void(const std::uint8_t*)>& read) const;

 private:
  bool Unchanged() const;

  std::string path_;
  Descriptor file_;
  std::uint64_t size_ = 0;
  timespec modified_{};
  const std::uint8_t* data_ = nullptr;
};

}  // namespace torch_prune
