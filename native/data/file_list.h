#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "../base/handle.h"

namespace torch_prune {

// The files of a data set, with their labels. There may be a million of them: JavaScript hands them over a
// few thousand at a time, between which its event loop goes on.
struct FileList {
  static constexpr std::uint64_t kTag = 8;
  static constexpr const char* kName = "list of files";

  std::deque<std::string> paths;  // never moves what it holds, which would take as long as there are files
  std::vector<std::int64_t> labels;
};

// For work that reads it; nothing is added to it meanwhile.
std::shared_ptr<const FileList> ToFiles(const Napi::Value& value);

void RegisterFileList(Napi::Env env, Napi::Object exports);

}  // namespace torch_prune
