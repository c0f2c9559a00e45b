#include "operator_rules.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "../base/errors.h"

namespace torch_prune {
namespace {

struct Kind {
  std::string_view prefix;
  const char* why;
};
constexpr const char* kTrusts = "trusts its arguments and may read or write outside of memory";
constexpr const char* kBackend = "belongs to one backend of libtorch and does not check all of its arguments";
constexpr const char* kInPlace =
    "changes the shape or the memory of a tensor in place: use the operator that returns a new tensor";

// Prefixes of names without their namespace.
constexpr std::array kPrefixes{
    Kind{"_", kTrusts},
    Kind{"unsafe_", kTrusts},
    Kind{"cudnn_", kBackend},
    Kind{"miopen_", kBackend},
    Kind{"mkldnn_", kBackend},
    Kind{"fbgemm_", kBackend},
    Kind{"quantized_", kBackend},
    Kind{"native_", kBackend},
    Kind{"thnn_", kBackend},
    Kind{"slow_conv", kBackend},
    Kind{"batch_norm_", kBackend},
    Kind{"lu_unpack", kTrusts},
    Kind{"from_file", "maps a file, which others may cut while it is read: use a reader of files"},
    Kind{"set_data", kInPlace},
    Kind{"sparse_resize_", kInPlace},
    Kind{"resize_as_sparse_", kInPlace},
};

const char* WhyNot(const c10::OperatorHandle& op) {
  const std::string_view full = op.schema().name();
  constexpr std::string_view kNamespace = "aten::";
  if (!full.starts_with(kNamespace)) return "is not one of aten's, which alone check their arguments";
  const auto name = full.substr(kNamespace.size());
  if (op.hasTag(at::Tag::inplace_view)) return kInPlace;
  for (const auto& [prefix, why] : kPrefixes) {
    if (name.starts_with(prefix)) return why;
  }
  if (name.find("_backward") != std::string_view::npos || name.ends_with("_jvp"))
    return "is called by autograd, with what it kept itself: use backward()";
  return nullptr;
}

}  // namespace

void CheckOffered(const c10::OperatorHandle& op) {
  if (const char* why = WhyNot(op)) throw Error("ERR_ARGUMENT", op.schema().name() + " " + why);
}

KeepShapes::KeepShapes(const c10::FunctionSchema& schema, const torch::jit::Stack& arguments) {
  const auto note = [this](const at::Tensor& tensor) {
    written_.push_back({tensor, tensor.sizes().vec(), tensor.strides().vec(), tensor.storage_offset()});
  };
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto* alias = schema.arguments()[i].alias_info();
    if (alias == nullptr || !alias->isWrite()) continue;
    if (arguments[i].isTensor()) note(arguments[i].toTensor());
    if (arguments[i].isTensorList()) {
      for (const auto& tensor : arguments[i].toTensorVector()) note(tensor);
    }
  }
}

KeepShapes::~KeepShapes() {
  for (const auto& kept : written_) {
    if (kept.Changed())
      kept.tensor.unsafeGetTensorImpl()->set_sizes_and_strides(kept.sizes, kept.strides, kept.offset);
  }
}

bool KeepShapes::Kept::Changed() const {
  return tensor.sizes() != sizes || tensor.strides() != strides || tensor.storage_offset() != offset;
}

void KeepShapes::Check() const {
  const auto changed =
      std::find_if(written_.begin(), written_.end(), [](const auto& k) { return k.Changed(); });
  if (changed == written_.end()) return;
  throw Error("ERR_SHAPE", "the result has shape " + c10::str(changed->tensor.sizes()) +
                               ", and is to be written to a tensor of shape " +
                               c10::str(at::IntArrayRef(changed->sizes)) + ": give it one that fits");
}

}  // namespace torch_prune
