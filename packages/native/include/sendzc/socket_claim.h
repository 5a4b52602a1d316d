// One owner per socket within the process, on any of its threads. A notification that one owner reads from the error queue reaches no
// other: two owners would each wait for ever for what the other has read.
//
// The registry belongs to one addon, since each addon has statics of its own. That is enough as long as only drivers of one addon read
// error queues: notifications of io_uring come through its ring, whatever else is open on the socket.
#pragma once

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#ifndef SO_COOKIE
#define SO_COOKIE 57  // 4.12
#endif

namespace sendzc {

class socket_claim {
 public:
  socket_claim() = default;
  socket_claim(socket_claim&& other) noexcept : entry_(std::move(other.entry_)) {}
  socket_claim& operator=(socket_claim&& other) noexcept {
    if (this != &other) {
      release();
      entry_ = std::move(other.entry_);
    }
    return *this;
  }
  socket_claim(const socket_claim&) = delete;
  socket_claim& operator=(const socket_claim&) = delete;
  ~socket_claim() { release(); }

  // 0, -EBUSY where the same socket is claimed already, through any descriptor, or another negated errno.
  int take(int fd) {
    uint64_t cookie = 0;
    socklen_t size = sizeof(cookie);
    if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0) return -errno;
    std::unique_ptr<entry> claimed(new (std::nothrow) entry{cookie, nullptr});
    if (claimed == nullptr) return -ENOMEM;
    if (!insert(claimed.get())) return -EBUSY;
    entry_ = std::move(claimed);
    return 0;
  }

  void release() {
    if (entry_ == nullptr) return;
    remove(entry_.get());
    entry_.reset();
  }

 private:
  struct entry {
    uint64_t cookie;
    entry* next;
  };

  // A hash table with chains, under a pthread mutex. The mutex and the maps of the C++ library are more than headers, and the addons that
  // are released link no C++ library (packages/native/prebuilt). The kernel counts cookies up, so their low bits spread over the chains.
  struct registry {
    static constexpr uint64_t chain_count = 1024;
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    entry* chains[chain_count] = {};

    entry** chain_of(uint64_t cookie) { return &chains[cookie % chain_count]; }
  };
  static registry& every_claim() {
    static registry all;
    return all;
  }

  static bool insert(entry* added) {
    registry& all = every_claim();
    pthread_mutex_lock(&all.mutex);
    entry** chain = all.chain_of(added->cookie);
    entry* found = *chain;
    while (found != nullptr && found->cookie != added->cookie) found = found->next;
    if (found == nullptr) {
      added->next = *chain;
      *chain = added;
    }
    pthread_mutex_unlock(&all.mutex);
    return found == nullptr;
  }

  static void remove(entry* removed) {
    registry& all = every_claim();
    pthread_mutex_lock(&all.mutex);
    entry** link = all.chain_of(removed->cookie);
    while (*link != removed) link = &(*link)->next;
    *link = removed->next;
    pthread_mutex_unlock(&all.mutex);
  }

  std::unique_ptr<entry> entry_;
};

}  // namespace sendzc
