#pragma once
#include <cstdint>
#include <string>

namespace torch_prune {

// A socket that listens at this port of all addresses of this machine: its descriptor, which the caller owns.
int ListenAt(std::int64_t port);

// Whether somebody accepts connections there.
bool Listens(const std::string& address, std::int64_t port);

}  // namespace torch_prune
