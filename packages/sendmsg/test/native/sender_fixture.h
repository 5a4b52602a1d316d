// A sender on a socket of its own, for the tests of it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "check.h"
#include "error_queue.h"
#include "open_socket.h"
#include "sender.h"

struct socket_pair {
  sendzc::unique_fd local;
  sendzc::unique_fd peer;
};

inline void connect_to(const sendzc::unique_fd& local, const sendzc::unique_fd& peer) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  CHECK(getsockname(peer.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  CHECK(connect(local.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
}

inline sendzc::unique_fd bound_socket(int type) {
  sendzc::unique_fd made(socket(AF_INET, type | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(bind(made.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  return made;
}

inline socket_pair udp_pair() {
  socket_pair pair{sendzc::unique_fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), bound_socket(SOCK_DGRAM)};
  connect_to(pair.local, pair.peer);
  return pair;
}

inline socket_pair tcp_pair() {
  sendzc::unique_fd listener = bound_socket(SOCK_STREAM);
  CHECK(listen(listener.get(), 1) == 0);
  socket_pair pair{sendzc::unique_fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), sendzc::unique_fd()};
  connect_to(pair.local, listener);
  pair.peer = sendzc::unique_fd(accept(listener.get(), nullptr, nullptr));
  return pair;
}

struct releases final : sendzc::release_sink {
  std::map<uint32_t, std::string> by_token;
  void on_released(uint32_t token, uint32_t, bool copied) override { note(token, copied ? "copied" : "zerocopy"); }
  void on_unshared(uint32_t token, uint32_t) override { note(token, "unshared"); }
  void on_abandoned(uint32_t token, uint32_t) override { note(token, "abandoned"); }
  void note(uint32_t token, const char* how) {
    CHECK(by_token.count(token) == 0);
    by_token[token] = how;
  }
};

struct fixture {
  sendzc::error_queue_batched queue;
  std::unique_ptr<sendzc::sender> sends;
  releases released;
  std::vector<char> payload = std::vector<char>(60000, 'x');
  iovec segment{};

  // Collects from `queue` where no other source is given.
  explicit fixture(const sendzc::unique_fd& socket, uint32_t interval = 0, sendzc::notification_source* source = nullptr) {
    sendzc::opened_socket opened;
    CHECK_EQUAL(sendzc::open_socket(socket.get(), true, opened), 0);
    sends = std::make_unique<sendzc::sender>(std::move(opened), 16, interval, source != nullptr ? source : &queue);
  }

  sendzc::outgoing_message message(uint32_t token, size_t bytes) {
    segment = iovec{payload.data(), bytes};
    sendzc::outgoing_message made;
    made.segments = &segment;
    made.segment_count = 1;
    made.token = token;
    made.bytes = bytes;
    return made;
  }

  sendzc::outgoing_message send(uint32_t token, size_t bytes) {
    sendzc::outgoing_message sent = message(token, bytes);
    sendzc::sender::route route = sends->route_for(true, bytes, 0);
    CHECK(route != sendzc::sender::route::blocked);
    bool zerocopy = route == sendzc::sender::route::zerocopy;
    if (sends->is_stream()) {
      sends->send_stream(sent, zerocopy);
    } else {
      CHECK_EQUAL(sends->send_datagrams(&sent, 1, zerocopy), 1);
      if (sent.too_large && zerocopy) sends->resend_as_copy(sent, released);
    }
    sends->settle(released);
    return sent;
  }

  // Collects until `token` is released: completions on the loopback device follow within the poll.
  std::string released_as(uint32_t token) {
    for (int look = 0; look < 100 && released.by_token.count(token) == 0; look++) {
      sends->collect(released, false);
      if (released.by_token.count(token) != 0) break;
      pollfd waiting{sends->fd(), 0, 0};
      poll(&waiting, 1, 50);
    }
    return released.by_token.count(token) != 0 ? released.by_token[token] : "never";
  }
};
