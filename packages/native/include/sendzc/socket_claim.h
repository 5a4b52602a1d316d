// One owner per socket within the process, whichever thread it belongs to. What an owner takes from a socket, notifications of the error
// queue above all, reaches nobody else: of two owners each would wait for ever for what the other has read.
//
// The registry belongs to one addon, since each addon has statics of its own. That is enough as long as only drivers of one addon read
// error queues: notifications of io_uring come through its ring, whatever else is open on the socket.
#pragma once

#include <errno.h>
#include <sys/socket.h>

#include <cstdint>
#include <mutex>
#include <unordered_set>
#include <utility>

#ifndef SO_COOKIE
#define SO_COOKIE 57  // 4.12
#endif

namespace sendzc {

class socket_claim {
 public:
  socket_claim() = default;
  socket_claim(socket_claim&& other) noexcept : cookie_(std::exchange(other.cookie_, no_socket)) {}
  socket_claim& operator=(socket_claim&& other) noexcept {
    if (this != &other) {
      release();
      cookie_ = std::exchange(other.cookie_, no_socket);
    }
    return *this;
  }
  socket_claim(const socket_claim&) = delete;
  socket_claim& operator=(const socket_claim&) = delete;
  ~socket_claim() { release(); }

  // 0, -EBUSY where somebody holds a claim on the same socket, whatever descriptor it came by, or another negated errno.
  int take(int fd) {
    uint64_t cookie = no_socket;
    socklen_t size = sizeof(cookie);
    if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0) return -errno;
    registry& all = every_claim();
    std::lock_guard<std::mutex> lock(all.mutex);
    if (!all.cookies.insert(cookie).second) return -EBUSY;
    cookie_ = cookie;
    return 0;
  }

  void release() {
    if (cookie_ == no_socket) return;
    registry& all = every_claim();
    std::lock_guard<std::mutex> lock(all.mutex);
    all.cookies.erase(cookie_);
    cookie_ = no_socket;
  }

 private:
  // The kernel begins with 1 (gen_cookie_next).
  static constexpr uint64_t no_socket = 0;

  struct registry {
    std::mutex mutex;
    std::unordered_set<uint64_t> cookies;
  };
  static registry& every_claim() {
    static registry all;
    return all;
  }

  uint64_t cookie_ = no_socket;
};

}  // namespace sendzc
