#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "../base/handle.h"

namespace torch_prune {

// The files of a data set, with their labels. There may be a million of them, so JavaScript passes them on a
// few thousand at a time; its event loop runs in between.
struct FileList {
  static constexpr std::uint64_t kTag = 8;
  static constexpr const char* kName = "list of files";

  std::deque<std::string> paths;  // never moves its elements, which would take long with many files
  std::vector<std::int64_t> labels;
};

// Takes the list for work that reads it; no files can be added after that.
std::shared_ptr<const FileList> ToFiles(const Napi::Value& value);

void RegisterFileList(Napi::Env env, Napi::Object exports);

}  // namespace torch_prune
