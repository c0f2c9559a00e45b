#include "jpeg.h"

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <type_traits>
#include <vector>

#include "painter.h"

// Only the header is needed to build. The library is looked up when the addon runs, because an addon that was
// built elsewhere must load even if there is none.
#if __has_include(<jpeglib.h>)
#include <dlfcn.h>
#include <jpeglib.h>

// After jpeglib.h, whose version decides the numbers of its messages.
#include <jerror.h>
#endif

namespace torch_prune {

void CheckExtent(const Extent& picture) {
  constexpr std::int64_t kMost = 178956970;  // twice PIL's MAX_IMAGE_PIXELS, PIL's own limit
  if (picture.width < 1 || picture.height < 1) throw Unreadable("has no pixels");
  // This divides because the product of absurd numbers would overflow.
  if (picture.width > kMost / picture.height) {
    throw Unreadable("has " + std::to_string(picture.width) + "×" + std::to_string(picture.height) +
                     " pixels, more than " + std::to_string(kMost));
  }
}

void CmykToRgb(std::uint8_t* pixels, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i, pixels += 4) {
    const int light = pixels[3];
    for (int c = 0; c < 3; ++c) {
      const int product = (255 - pixels[c]) * light + 128;
      pixels[c] = static_cast<std::uint8_t>(std::clamp(light - (((product >> 8) + product) >> 8), 0, 255));
    }
  }
}

#ifdef LIBJPEG_TURBO_VERSION

namespace {

struct Library {
  decltype(&::jpeg_std_error) std_error;
  decltype(&::jpeg_CreateDecompress) create;
  decltype(&::jpeg_destroy_decompress) destroy;
  decltype(&::jpeg_abort_decompress) abort;
  decltype(&::jpeg_mem_src) mem_src;
  decltype(&::jpeg_read_header) read_header;
  decltype(&::jpeg_start_decompress) start;
  decltype(&::jpeg_crop_scanline) crop;
  decltype(&::jpeg_skip_scanlines) skip;
  decltype(&::jpeg_read_scanlines) read;
  bool usable;
};

void Ignore(j_common_ptr) {}

// Whether structures have the layout of the header; the library checks its version and their size.
bool Fits(const Library& library) {
  struct Attempt {
    jpeg_error_mgr errors;
    std::jmp_buf escape;
  } attempt;
  jpeg_decompress_struct info;
  std::memset(&info, 0, sizeof info);
  info.err = library.std_error(&attempt.errors);
  info.client_data = &attempt;
  attempt.errors.output_message = Ignore;
  attempt.errors.error_exit = [](j_common_ptr failed) {
    std::longjmp(static_cast<Attempt*>(failed->client_data)->escape, 1);
  };
  if (setjmp(attempt.escape)) return false;
  library.create(&info, JPEG_LIB_VERSION, sizeof info);
  library.destroy(&info);
  return true;
}

Library Load() {
  Library library{};
  const std::string name = "libjpeg.so." + std::to_string(JPEG_LIB_VERSION < 70 ? 62 : JPEG_LIB_VERSION / 10);
  void* handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return library;
  bool whole = true;
  const auto find = [&](auto& function, const char* symbol) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(handle, symbol));
    whole = whole && function != nullptr;
  };
  find(library.std_error, "jpeg_std_error");
  find(library.create, "jpeg_CreateDecompress");
  find(library.destroy, "jpeg_destroy_decompress");
  find(library.abort, "jpeg_abort_decompress");
  find(library.mem_src, "jpeg_mem_src");
  find(library.read_header, "jpeg_read_header");
  find(library.start, "jpeg_start_decompress");
  find(library.crop, "jpeg_crop_scanline");
  find(library.skip, "jpeg_skip_scanlines");
  find(library.read, "jpeg_read_scanlines");
  library.usable = whole && Fits(library);
  return library;
}

const Library& Jpeg() {
  static const Library library = Load();
  return library;
}

}  // namespace

bool JpegLibraryWorks() {
  // This allows trying the slow way on a machine that has the fast one.
  static const bool wanted = std::getenv("TORCH_PRUNE_NO_LIBJPEG") == nullptr;
  return wanted && Jpeg().usable;
}

// libjpeg reports errors by longjmp, which runs no destructors. So between setjmp and the calls to libjpeg,
// no object with a destructor may exist.
struct JpegDecoder::State {
  jpeg_decompress_struct info;
  jpeg_error_mgr errors;
  std::jmp_buf escape;
  bool ends;       // whether the file has an end marker somewhere
  bool ran_out;    // libjpeg has made up an end, because the file has none
  bool cut_short;  // libjpeg also had to make up pixels
  char message[JMSG_LENGTH_MAX];
  std::vector<std::uint8_t> row;

  static State& Of(j_common_ptr info) { return *static_cast<State*>(info->client_data); }

  static void Exit(j_common_ptr info) {
    State& state = Of(info);
    info->err->format_message(info, state.message);
    std::longjmp(state.escape, 1);
  }

  static void Message(j_common_ptr info, int level) {
    if (level >= 0) return;  // a trace
    State& state = Of(info);
    if (info->err->msg_code == JWRN_JPEG_EOF) state.ran_out = true;
    // libjpeg would paint the rest gray. If a file only lacks its end marker, or has other damage, it is
    // decoded as PIL does.
    if (state.ran_out && info->err->msg_code == JWRN_HIT_MARKER) {
      state.cut_short = true;
      std::longjmp(state.escape, 1);
    }
    ++info->err->num_warnings;
  }

  [[noreturn]] void Fail() {
    Jpeg().abort(&info);
    if (cut_short || ran_out) throw Unreadable("is cut short");
    // What does not fit into memory would go to a temporary file, but the library is built without support
    // for that.
    if (errors.msg_code == JERR_NO_BACKING_STORE || errors.msg_code == JERR_OUT_OF_MEMORY)
      throw Unreadable("takes more memory to decode than allowed: raise decodeMemory, or make it smaller");
    throw Unreadable(std::string("is not a JPEG that can be decoded (") + message + ")");
  }
};

JpegDecoder::JpegDecoder() {
  if (!JpegLibraryWorks()) return;
  state_ = std::make_unique<State>();
  State& s = *state_;
  s.info.err = Jpeg().std_error(&s.errors);
  s.errors.error_exit = State::Exit;
  s.errors.emit_message = State::Message;
  s.errors.output_message = [](j_common_ptr) {};
  s.info.client_data = &s;
  s.cut_short = s.ran_out = false;
  if (setjmp(s.escape)) throw std::bad_alloc();
  Jpeg().create(&s.info, JPEG_LIB_VERSION, sizeof s.info);
}

JpegDecoder::~JpegDecoder() {
  if (state_) Jpeg().destroy(&state_->info);
}

bool JpegDecoder::Takes(const std::uint8_t* bytes, std::size_t size) {
  return size >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff && JpegLibraryWorks();
}

Extent JpegDecoder::Open(const std::uint8_t* bytes, std::size_t size, std::int64_t memory) {
  State& s = *state_;
  // A crop may be completely above the point where a file breaks off. If there is no end marker, the file is
  // read to its end to find out.
  s.ends = false;
  for (std::size_t i = size; i >= 2 && !s.ends; --i)
    s.ends = bytes[i - 2] == 0xff && bytes[i - 1] == JPEG_EOI;
  s.cut_short = s.ran_out = false;
  if (setjmp(s.escape)) s.Fail();
  Jpeg().abort(&s.info);  // an image whose frame was rejected is still open
  // If rows are skipped with merged upsampling, which has no color converter of its own, libjpeg-turbo (2.1)
  // would otherwise write to the previous image's converter, which has been freed.
  s.info.cconvert = nullptr;
  s.info.mem->max_memory_to_use = static_cast<long>(memory);
  Jpeg().mem_src(&s.info, bytes, size);
  Jpeg().read_header(&s.info, TRUE);
  const Extent picture{s.info.image_width, s.info.image_height};
  CheckExtent(picture);
  return picture;
}

void JpegDecoder::Decode(const Frame& frame, bool fast, Painter& painter) {
  std::int64_t shrink = 1;
  while (fast && shrink < 8 && frame.box.width >= 2 * shrink * frame.grid.width &&
         frame.box.height >= 2 * shrink * frame.grid.height) {
    shrink *= 2;
  }
  painter.Begin(frame, shrink);
  DecodeRows(static_cast<unsigned>(shrink), !fast, painter);
}

void JpegDecoder::DecodeRows(unsigned shrink, bool smooth, Painter& painter) {
  State& s = *state_;
  jpeg_decompress_struct& info = s.info;
  if (setjmp(s.escape)) s.Fail();
  const bool inks = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
  info.out_color_space = inks ? JCS_CMYK : JCS_EXT_RGBX;
  info.scale_num = 1;
  info.scale_denom = shrink;
  info.dct_method = JDCT_ISLOW;
  info.do_fancy_upsampling = smooth ? TRUE : FALSE;
  Jpeg().start(&info);
  const auto width = static_cast<std::int64_t>(info.output_width);
  // At its edges, a cropped row is upsampled as if the image ended there; two more pixels keep that outside.
  JDIMENSION column = static_cast<JDIMENSION>(std::max<std::int64_t>(painter.left() - 2, 0));
  JDIMENSION columns = static_cast<JDIMENSION>(std::min(painter.right() + 2, width)) - column;
  if (columns < width) Jpeg().crop(&info, &column, &columns);
  s.row.resize(static_cast<std::size_t>(std::max<std::int64_t>(width, info.output_width)) * 4);
  JSAMPROW row = s.row.data();
  if (painter.top() > 0) Jpeg().skip(&info, static_cast<JDIMENSION>(painter.top()));
  while (info.output_scanline < painter.bottom()) {
    Jpeg().read(&info, &row, 1);
    if (inks) CmykToRgb(row, info.output_width);
    painter.Row(row, column);
  }
  while (!s.ends && info.output_scanline < info.output_height) Jpeg().read(&info, &row, 1);
  Jpeg().abort(&info);
}

#else

bool JpegLibraryWorks() {
  return false;
}

struct JpegDecoder::State {};
JpegDecoder::JpegDecoder() = default;
JpegDecoder::~JpegDecoder() = default;
bool JpegDecoder::Takes(const std::uint8_t*, std::size_t) {
  return false;
}
Extent JpegDecoder::Open(const std::uint8_t*, std::size_t, std::int64_t) {
  throw Unreadable("was not expected here");
}
void JpegDecoder::Decode(const Frame&, bool, Painter&) {}
void JpegDecoder::DecodeRows(unsigned, bool, Painter&) {}

#endif

}  // namespace torch_prune
