#include "picture_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "../base/descriptor.h"

namespace torch_prune {
namespace {

constexpr off_t kMostBytes = off_t{1} << 30;

[[noreturn]] void FailSystem() {
  throw Unreadable(std::string("cannot be read (") + std::strerror(errno) + ")");
}

std::size_t ReadWhole(const std::string& path, std::vector<std::uint8_t>& bytes) {
  // Without O_NONBLOCK, a pipe that is named like an image would block the thread forever.
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) FailSystem();
  struct stat status {};
  if (fstat(file.get(), &status) != 0) FailSystem();
  if (!S_ISREG(status.st_mode)) throw Unreadable("is not a regular file");
  if (status.st_size == 0) throw Unreadable("is empty");
  if (status.st_size > kMostBytes) throw Unreadable("has more than a gigabyte");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (bytes.size() < size) bytes.resize(size);
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t got = read(file.get(), bytes.data() + filled, size - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) FailSystem();
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

}  // namespace

void PaintFile(const std::string& path, const std::function<Frame(const Extent&)>& frame,
               const PaintOptions& how, Decoder& decoder) {
  const std::size_t size = ReadWhole(path, decoder.file);
  if (JpegDecoder::Takes(decoder.file.data(), size)) {
    const Extent picture = decoder.jpeg.Open(decoder.file.data(), size, how.memory);
    decoder.jpeg.Decode(frame(picture), how.fast, decoder.painter);
    return;
  }
  if (decoder.foreign == nullptr) throw Unreadable("is not a JPEG file");
  Pixels pixels = decoder.foreign->Decode(path, how.memory, decoder.stop);
  CheckExtent(pixels.extent);
  Painter& painter = decoder.painter;
  painter.Begin(frame(pixels.extent));
  const std::int64_t stride = pixels.extent.width * pixels.channels;
  for (std::int64_t y = painter.top(); y < painter.bottom(); ++y) {
    std::uint8_t* row = &pixels.bytes[static_cast<std::size_t>(y * stride)];
    if (pixels.channels == 3) {
      painter.Row3(row, 0);
    } else {
      for (std::int64_t i = 0; i < stride; ++i) row[i] = static_cast<std::uint8_t>(255 - row[i]);
      CmykToRgb(row, pixels.extent.width);
      painter.Row(row, 0);
    }
  }
}

}  // namespace torch_prune
