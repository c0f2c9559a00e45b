#include "file_list.h"

#include <cstring>
#include <iterator>

#include "../base/arguments.h"

namespace torch_prune {
namespace {

using FileListHandle = Handle<FileList>;

// filesMake(): an empty list of files.
Napi::Value MakeFileList(const Napi::CallbackInfo& info) {
  return FileListHandle::Wrap(info.Env(), std::make_shared<FileList>());
}

// filesAdd(files, paths, labels): appends files; paths are bytes, each path followed by a zero byte, and
// labels are an Int32Array.
Napi::Value Add(const Napi::CallbackInfo& info) {
  const auto& files = FileListHandle::Get(info[0], "files");
  auto paths = ToPaths(info[1], "paths");
  if (!info[2].IsTypedArray() || info[2].As<Napi::TypedArray>().TypedArrayType() != napi_int32_array)
    throw Error("ERR_ARGUMENT", "labels must be an Int32Array");
  const auto bytes = BytesOf(info[2], "labels");
  std::vector<std::int32_t> labels(bytes.size() / sizeof(std::int32_t));
  if (labels.size() != paths.size()) {
    throw Error("ERR_SHAPE", "each file needs one label: there are " + std::to_string(paths.size()) +
                                 " paths and " + std::to_string(labels.size()) + " labels");
  }
  if (!labels.empty()) std::memcpy(labels.data(), bytes.data(), bytes.size());
  std::move(paths.begin(), paths.end(), std::back_inserter(files->paths));
  files->labels.insert(files->labels.end(), labels.begin(), labels.end());
  return info.Env().Undefined();
}

}  // namespace

std::shared_ptr<const FileList> ToFiles(const Napi::Value& value) {
  std::shared_ptr<const FileList> files = FileListHandle::Get(value, "files");
  FileListHandle::Dispose(value);  // it now belongs to the work, and no more files can be added
  return files;
}

void RegisterFileList(Napi::Env env, Napi::Object exports) {
  FileListHandle::Register(env);
  Export<MakeFileList>(exports, "filesMake");
  Export<Add>(exports, "filesAdd");
}

}  // namespace torch_prune
