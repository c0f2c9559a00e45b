#pragma once
#include "layer.h"

namespace torch_prune {

// A kind of layer by its name. Each kind's file has one at namespace scope:
//
//   const LayerKind kRelu("relu", MakeLayerOf<Relu>);
//
// They form a list before anything runs and are never destroyed: nothing here has a destructor.
class LayerKind {
 public:
  using Make = std::shared_ptr<Layer> (*)(const Given&);

  LayerKind(const char* name, Make make);

  // The kind of that name, or nullptr.
  static const LayerKind* Find(const std::string& name);
  std::shared_ptr<Layer> operator()(const Given& layer) const { return make_(layer); }

 private:
  const char* name_;
  Make make_;
  const LayerKind* next_;
};

// Makes a layer by the table of its options.
template <typename Class, const auto& Table>
std::shared_ptr<Layer> MakeLayerOf(const Given& layer) {
  return std::make_shared<Class>(Table.Read(layer));
}

// Makes a layer that has no options.
template <typename Class>
std::shared_ptr<Layer> MakeLayerOf(const Given& layer) {
  layer.CheckNames({});
  return std::make_shared<Class>();
}

}  // namespace torch_prune
