#pragma once
#include <map>
#include <string>

namespace torch_prune {

// What all processes of a group must have alike, by name.
using Traits = std::map<std::string, std::string>;

// One line each: a name, a tab, a value.
std::string Written(const Traits& traits);
Traits ReadTraits(const std::string& text);

// How a process differs from rank 0, and how to fix it; empty if it does not.
std::string Difference(const Traits& first, const Traits& other, int rank);

}  // namespace torch_prune
