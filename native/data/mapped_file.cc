#include "mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <csetjmp>
#include <csignal>
#include <cstring>
#include <mutex>

#include "../base/errors.h"

namespace torch_prune {
namespace {

// Reading a page that a mapped file no longer has raises SIGBUS on the reading thread, whose handler jumps
// here.
thread_local sigjmp_buf* escape = nullptr;
struct sigaction before;

void OnBusError(int signal, siginfo_t* info, void* context) {
  if (escape != nullptr) siglongjmp(*escape, 1);
  // The signal is not ours, so it is passed on to the previous handler.
  if ((before.sa_flags & SA_SIGINFO) != 0) {
    before.sa_sigaction(signal, info, context);
  } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(signal);
  } else {
    sigaction(SIGBUS, &before, nullptr);  // the read is repeated, and ends the process
  }
}

void InstallHandler() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_sigaction = OnBusError;
    // The signal is not blocked in the meantime, because the handler is left by a jump.
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &before);
  });
}

// Returns false if the memory disappeared.
bool Try(const std::function<void(const std::uint8_t*)>& read, const std::uint8_t* data) {
  sigjmp_buf here;
  if (sigsetjmp(here, /*savemask=*/0) != 0) {
    escape = nullptr;
    return false;
  }
  escape = &here;
  try {
    read(data);
  } catch (...) {
    escape = nullptr;
    throw;
  }
  escape = nullptr;
  return true;
}

}  // namespace

MappedFile::MappedFile(const std::string& path)
    // Without O_NONBLOCK, a pipe would block forever.
    : path_(path), file_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  struct stat status {};
  if (file_.get() < 0 || fstat(file_.get(), &status) != 0)
    throw Error("ERR_FILE", path + ": cannot be read (" + std::strerror(errno) + "); check the path");
  if (!S_ISREG(status.st_mode)) throw Error("ERR_FILE", path + ": is not a regular file; check the path");
  size_ = static_cast<std::uint64_t>(status.st_size);
  modified_ = status.st_mtim;
  void* mapped = mmap(nullptr, size_, PROT_READ, MAP_SHARED, file_.get(), 0);
  if (mapped == MAP_FAILED) {
    throw Error("ERR_FILE",
                path + ": cannot be mapped into memory (" + std::strerror(errno) + "); is it a whole file?");
  }
  data_ = static_cast<const std::uint8_t*>(mapped);
  InstallHandler();
}

MappedFile::~MappedFile() {
  munmap(const_cast<std::uint8_t*>(data_), size_);
}

bool MappedFile::Unchanged() const {
  struct stat now {};
  return fstat(file_.get(), &now) == 0 && static_cast<std::uint64_t>(now.st_size) == size_ &&
         now.st_mtim.tv_sec == modified_.tv_sec && now.st_mtim.tv_nsec == modified_.tv_nsec;
}

void MappedFile::Read(const std::function<void(const std::uint8_t*)>& read) const {
  if (Try(read, data_) && Unchanged()) return;
  throw Error("ERR_FILE",
              path_ + ": was changed while it was read; write a new file beside it and rename that");
}

}  // namespace torch_prune
