#pragma once
#include <cstddef>
#include <stdexcept>
#include <string>

namespace torch_prune::coded {

// What is wrong with a block of a coded file, and at which of its bytes.
class Damage : public std::runtime_error {
 public:
  Damage(const std::string& what, std::size_t at) : std::runtime_error(what), at(at) {}
  const std::size_t at;
};

}  // namespace torch_prune::coded
