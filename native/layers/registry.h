#pragma once
#include <type_traits>

#include "layer.h"

namespace torch_prune {

// A kind of layer by its name. Each kind's file has one at namespace scope:
//
//   const LayerKind kRelu("relu", MakeLayerOf<Relu>);
//
// They form a list before anything runs and are never destroyed: nothing here has a destructor.
class LayerKind {
 public:
  using Make = std::shared_ptr<Layer> (*)(const Options&);

  LayerKind(const char* name, Make make);

  // The kind of that name, or nullptr.
  static const LayerKind* Find(const std::string& name);
  std::shared_ptr<Layer> operator()(const Options& options) const { return make_(options); }

 private:
  const char* name_;
  Make make_;
  const LayerKind* next_;
};

template <typename Class>
std::shared_ptr<Layer> MakeLayerOf(const Options& options) {
  if constexpr (std::is_default_constructible_v<Class>) {
    return std::make_shared<Class>();
  } else {
    return std::make_shared<Class>(options);
  }
}

}  // namespace torch_prune
