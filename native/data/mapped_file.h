#pragma once
#include <cstdint>
#include <ctime>
#include <functional>
#include <string>

#include "../base/descriptor.h"

namespace torch_prune {

// A read-only file that is mapped into memory, for any number of threads. It must not change; if it does,
// reading throws an Error instead of ending the process.
class MappedFile {
 public:
  // Throws Error.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::uint64_t size() const { return size_; }

  // Calls `read` with a pointer to the file's first byte. Throws Error if the file has changed since it was
  // opened. If it was truncated, `read` is left at the point of access, so nothing in it may have a
  // destructor.
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
