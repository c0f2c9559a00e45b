#include "file_tensor.h"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "../base/descriptor.h"
#include "../base/errors.h"

namespace torch_prune {
namespace {

int OpenNameless(const std::string& folder) {
  const int fd = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0 || errno != EOPNOTSUPP) return fd;
  std::string path = folder + "/torch-prune-XXXXXX";
  const int named = mkostemp(path.data(), O_CLOEXEC);
  if (named >= 0) unlink(path.c_str());
  return named;
}

}  // namespace

at::Tensor FileTensor(const std::string& folder, at::IntArrayRef shape) {
  const auto bytes = static_cast<std::size_t>(c10::multiply_integers(shape)) * sizeof(float);
  const auto refuse = [&folder, bytes](int reason) {
    return Error("ERR_OUTPUT", folder + ": a cache of " + std::to_string((bytes >> 20) + 1) +
                                   " MiB cannot be kept there (" + std::strerror(reason) +
                                   "); choose another cacheDir, or train without cachePrefix");
  };
  const Descriptor file(OpenNameless(folder));
  if (file.get() < 0) throw refuse(errno);
  // Without this, a full disk would end the process when it writes to the mapped memory.
  if (const int failure = posix_fallocate(file.get(), 0, static_cast<off_t>(bytes)); failure != 0)
    throw refuse(failure);
  void* const data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (data == MAP_FAILED) throw refuse(errno);
  // Samples are read in random order, each in one piece; what is next to a sample is not worth reading.
  madvise(data, bytes, MADV_RANDOM);
  return at::from_blob(
      data, shape, [bytes](void* mapped) { munmap(mapped, bytes); }, at::kFloat);
}

void Prefetch(const at::Tensor& tensor, std::int64_t row) {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto bytes = static_cast<std::size_t>(tensor.stride(0)) * sizeof(float);
  const auto begin = reinterpret_cast<std::uintptr_t>(tensor.const_data_ptr<float>()) + row * bytes;
  const auto from = begin / page * page;
  madvise(reinterpret_cast<void*>(from), begin + bytes - from, MADV_WILLNEED);
}

}  // namespace torch_prune
