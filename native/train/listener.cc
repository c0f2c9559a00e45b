#include "listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "../base/errors.h"

namespace torch_prune {
namespace {

// The longest wait for an answer from an address, in milliseconds.
constexpr int kPatience = 1000;

int Bound(int family, std::int64_t port) {
  const int socket = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return -1;
  const int on = 1, off = 0;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_storage place{};
  socklen_t length = 0;
  if (family == AF_INET6) {
    ::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    auto& at = reinterpret_cast<sockaddr_in6&>(place);
    at.sin6_family = AF_INET6;
    at.sin6_addr = in6addr_any;
    at.sin6_port = htons(static_cast<std::uint16_t>(port));
    length = sizeof at;
  } else {
    auto& at = reinterpret_cast<sockaddr_in&>(place);
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_ANY);
    at.sin_port = htons(static_cast<std::uint16_t>(port));
    length = sizeof at;
  }
  if (::bind(socket, reinterpret_cast<sockaddr*>(&place), length) == 0 && ::listen(socket, SOMAXCONN) == 0)
    return socket;
  const int reason = errno;
  ::close(socket);
  errno = reason;
  return -1;
}

bool Answers(const addrinfo& at) {
  const int socket = ::socket(at.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0) return false;
  bool answered = ::connect(socket, at.ai_addr, at.ai_addrlen) == 0;
  if (!answered && errno == EINPROGRESS) {
    pollfd waits{socket, POLLOUT, 0};
    int error = 0;
    socklen_t length = sizeof error;
    answered = ::poll(&waits, 1, kPatience) == 1 &&
               ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
  }
  ::close(socket);
  return answered;
}

}  // namespace

int ListenAt(std::int64_t port) {
  int socket = Bound(AF_INET6, port);
  // A machine may have no IPv6.
  if (socket < 0 && errno != EADDRINUSE) socket = Bound(AF_INET, port);
  if (socket >= 0) return socket;
  const std::string where = "port " + std::to_string(port);
  if (errno == EADDRINUSE)
    throw Error("ERR_GROUP",
                where + " is in use on this machine: set MASTER_PORT to a free one in all processes");
  throw Error("ERR_GROUP", where + " cannot be opened (" + std::strerror(errno) +
                               "): set MASTER_PORT to another one in all processes");
}

bool Listens(const std::string& address, std::int64_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return false;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  for (const auto* at = found; at != nullptr; at = at->ai_next)
    if (Answers(*at)) return true;
  return false;
}

}  // namespace torch_prune
