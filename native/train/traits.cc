#include "traits.h"

namespace torch_prune {

std::string Written(const Traits& traits) {
  std::string text;
  for (const auto& [name, value] : traits) text.append(name).append("\t").append(value).append("\n");
  return text;
}

Traits ReadTraits(const std::string& text) {
  Traits traits;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto tab = text.find('\t', at), end = text.find('\n', at);
    traits.emplace(text.substr(at, tab - at), text.substr(tab + 1, end - tab - 1));
    at = end + 1;
  }
  return traits;
}

std::string Difference(const Traits& first, const Traits& other, int rank) {
  for (const auto& [name, value] : first) {
    const auto found = other.find(name);
    const std::string given = found == other.end() ? "nothing" : found->second;
    if (given == value) continue;
    return "rank " + std::to_string(rank) + " has another " + name + " than rank 0 (" + given + ", not " +
           value + "): start all processes with the same program, recipe, options and data";
  }
  return {};
}

}  // namespace torch_prune
