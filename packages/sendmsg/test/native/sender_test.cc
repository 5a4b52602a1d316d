// The sender on real sockets, where the count of notification ids is at stake.
#include "sender.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "check.h"
#include "error_queue.h"
#include "next_id_probe.h"
#include "open_socket.h"
#include "uapi.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

using sendzc::opened_socket;
using sendzc::outgoing_message;
using sendzc::sender;
using sendzc::unique_fd;

namespace {

struct socket_pair {
  unique_fd local;
  unique_fd peer;
};

void connect_to(const unique_fd& local, const unique_fd& peer) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  CHECK(getsockname(peer.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  CHECK(connect(local.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
}

unique_fd bound_socket(int type) {
  unique_fd made(socket(AF_INET, type | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(bind(made.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  return made;
}

socket_pair udp_pair() {
  socket_pair pair{unique_fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), bound_socket(SOCK_DGRAM)};
  connect_to(pair.local, pair.peer);
  return pair;
}

socket_pair tcp_pair() {
  unique_fd listener = bound_socket(SOCK_STREAM);
  CHECK(listen(listener.get(), 1) == 0);
  socket_pair pair{unique_fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), unique_fd()};
  connect_to(pair.local, listener);
  pair.peer = unique_fd(accept(listener.get(), nullptr, nullptr));
  return pair;
}

struct releases final : sendzc::release_sink {
  std::map<uint32_t, std::string> by_token;
  void on_released(uint32_t token, uint32_t, bool copied) override { note(token, copied ? "copied" : "zerocopy"); }
  void on_unshared(uint32_t token, uint32_t) override { note(token, "unshared"); }
  void note(uint32_t token, const char* how) {
    CHECK(by_token.count(token) == 0);
    by_token[token] = how;
  }
};

struct fixture {
  sendzc::error_queue_batched queue;
  std::unique_ptr<sender> sends;
  releases released;
  std::vector<char> payload = std::vector<char>(60000, 'x');
  iovec segment{};

  explicit fixture(const unique_fd& socket, uint32_t interval = 0) {
    opened_socket opened;
    CHECK_EQUAL(sendzc::open_socket(socket.get(), true, opened), 0);
    sends = std::make_unique<sender>(std::move(opened), 16, interval, &queue);
  }

  outgoing_message message(uint32_t token, size_t bytes) {
    segment = iovec{payload.data(), bytes};
    outgoing_message made;
    made.segments = &segment;
    made.segment_count = 1;
    made.token = token;
    made.bytes = bytes;
    return made;
  }

  outgoing_message send(uint32_t token, size_t bytes) {
    outgoing_message sent = message(token, bytes);
    sender::route route = sends->route_for(true, bytes, 0);
    CHECK(route != sender::route::blocked);
    bool zerocopy = route == sender::route::zerocopy;
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

int datagrams_waiting(const unique_fd& socket) {
  int count = 0;
  char byte;
  while (recv(socket.get(), &byte, 1, MSG_DONTWAIT | MSG_TRUNC) >= 0) count++;
  return count;
}

// Of this datagram the kernel builds the packet, gives it an id, and then finds that it has too many segments (udp_send_skb):
// sendmsg fails and the id is used up.
void make_sends_fail_late(const unique_fd& socket, bool failing) {
  int segment_bytes = failing ? 100 : 0;
  CHECK(setsockopt(socket.get(), IPPROTO_UDP, UDP_SEGMENT, &segment_bytes, sizeof(segment_bytes)) == 0);
}

void a_probe_uses_one_id_and_sends_nothing() {
  socket_pair pair = udp_pair();
  fixture on(pair.local);
  CHECK(on.send(0, 1000).shared);
  CHECK(on.released_as(0) == "copied");
  CHECK_EQUAL(sendzc::use_up_next_id(pair.local.get()), 0);
  struct : sendzc::notification_sink {
    void on_range(const sendzc::completion_range& range) override { last = range; }
    void on_foreign_error() override { CHECK(false); }
    uint32_t in_flight() const override { return 1; }
    sendzc::completion_range last{99, 99, false};
  } sink;
  on.queue.collect(pair.local.get(), true, sink);
  CHECK_EQUAL(sink.last.lo, 1);
  CHECK_EQUAL(sink.last.hi, 1);
  CHECK_EQUAL(datagrams_waiting(pair.peer), 1);
}

void a_failed_datagram_that_used_an_id() {
  socket_pair pair = udp_pair();
  fixture on(pair.local);
  make_sends_fail_late(pair.local, true);
  outgoing_message failed = on.send(1, 60000);
  CHECK_EQUAL(failed.result, -EINVAL);
  CHECK(on.released.by_token.count(1) == 1);
  make_sends_fail_late(pair.local, false);
  CHECK(on.send(2, 2000).shared);
  CHECK(on.released_as(2) == "copied");
  CHECK_EQUAL(on.sends->counters().unknown_ids, 0);
  CHECK_EQUAL(on.sends->in_flight(), 0);
}

void allow_broadcast(const unique_fd& socket, bool allowed) {
  int value = allowed ? 1 : 0;
  CHECK(setsockopt(socket.get(), SOL_SOCKET, SO_BROADCAST, &value, sizeof(value)) == 0);
}

// A socket to a broadcast address, which a datagram has to be allowed for (looked up anew for each because of SO_DONTROUTE): a refused one
// has no id, and an error that does not say so.
unique_fd broadcasting_socket() {
  unique_fd local(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  allow_broadcast(local, true);
  sockaddr_in everyone{};
  everyone.sin_family = AF_INET;
  everyone.sin_port = htons(9);
  everyone.sin_addr.s_addr = htonl(0x7fffffff);
  CHECK(connect(local.get(), reinterpret_cast<sockaddr*>(&everyone), sizeof(everyone)) == 0);
  int yes = 1;
  CHECK(setsockopt(local.get(), SOL_SOCKET, SO_DONTROUTE, &yes, sizeof(yes)) == 0);
  return local;
}

void a_failed_datagram_that_used_no_id() {
  unique_fd local = broadcasting_socket();
  fixture on(local);
  CHECK(on.send(0, 1000).shared);
  CHECK(on.released_as(0) == "copied");
  allow_broadcast(local, false);
  outgoing_message failed = on.send(1, 1000);
  CHECK_EQUAL(failed.result, -EACCES);
  // Nothing can tell yet: its memory stays pinned, and nothing else asks for zero-copy.
  CHECK(failed.shared);
  CHECK_EQUAL(on.sends->in_flight(), 1);
  CHECK(on.sends->route_for(true, 1000, 0) == sender::route::copy);
  allow_broadcast(local, true);
  on.sends->collect(on.released, false);
  CHECK(on.released.by_token[1] == "unshared");
  CHECK(on.send(2, 1000).shared);
  CHECK(on.released_as(2) == "copied");
  CHECK_EQUAL(on.sends->in_flight(), 0);
}

void a_message_in_doubt_is_abandoned() {
  unique_fd local = broadcasting_socket();
  fixture on(local);
  allow_broadcast(local, false);
  CHECK(on.send(1, 1000).shared);
  on.sends->abandon(on.released);
  CHECK_EQUAL(on.released.by_token.count(1), 1);
  CHECK_EQUAL(on.sends->in_flight(), 0);
}

void a_datagram_of_too_many_pages_is_copied() {
  socket_pair pair = udp_pair();
  fixture on(pair.local);
  std::vector<char> pages(64 * 4096, 'y');
  std::vector<iovec> pieces;
  for (size_t i = 0; i < 64; i++) pieces.push_back(iovec{pages.data() + i * 4096, 10});
  outgoing_message scattered;
  scattered.segments = pieces.data();
  scattered.segment_count = static_cast<uint32_t>(pieces.size());
  scattered.token = 3;
  scattered.bytes = 640;
  CHECK_EQUAL(on.sends->send_datagrams(&scattered, 1, true), 1);
  CHECK_EQUAL(scattered.result, -EMSGSIZE);
  CHECK(scattered.too_large);
  on.sends->resend_as_copy(scattered, on.released);
  CHECK_EQUAL(scattered.result, 640);
  CHECK(!scattered.shared);
  CHECK_EQUAL(on.sends->counters().fragment_copies, 1);
  CHECK(on.send(4, 500).shared);
  CHECK(on.released_as(4) == "copied");
  CHECK_EQUAL(on.sends->counters().unknown_ids, 0);
}

void send_aside(const unique_fd& socket, int times) {
  static char elsewhere[500];
  for (int i = 0; i < times; i++) CHECK(send(socket.get(), elsewhere, sizeof(elsewhere), MSG_ZEROCOPY) == sizeof(elsewhere));
}

void a_socket_that_was_used_before_is_calibrated(const socket_pair& pair) {
  int on_value = 1;
  CHECK(setsockopt(pair.local.get(), SOL_SOCKET, SO_ZEROCOPY, &on_value, sizeof(on_value)) == 0);
  send_aside(pair.local, 5);
  fixture on(pair.local);
  // What the earlier sends left comes first, and must not be taken for ours.
  char taken[2500];
  for (size_t got = 0; got < sizeof(taken);) got += static_cast<size_t>(recv(pair.peer.get(), taken, sizeof(taken), 0));
  bool shared = false;
  uint32_t token = 0;
  for (; !shared && token < 200; token++) {
    shared = on.send(token, 1000).shared;
    if (!shared) poll(nullptr, 0, 5);
  }
  CHECK(shared);
  CHECK(on.sends->route_for(true, 10, 0) == sender::route::copy);
  CHECK(on.released_as(token - 1) == "copied");
  CHECK(on.send(token, 1000).shared);
  CHECK(on.send(token + 1, 1000).shared);
  CHECK(on.released_as(token) == "copied");
  CHECK(on.released_as(token + 1) == "copied");
  CHECK_EQUAL(on.sends->in_flight(), 0);
}

void calibration_on_tcp() { a_socket_that_was_used_before_is_calibrated(tcp_pair()); }
void calibration_on_udp() { a_socket_that_was_used_before_is_calibrated(udp_pair()); }

void another_sender_on_the_socket_ends_zerocopy() {
  socket_pair pair = udp_pair();
  fixture on(pair.local);
  CHECK(on.send(0, 1000).shared);
  CHECK(on.released_as(0) == "copied");
  send_aside(pair.local, 2);
  CHECK(on.send(1, 1000).shared);
  on.sends->collect(on.released, true);
  // Ids 1 and 2 are the other's, 3 is ours: it is ahead of our count, which is useless from now on.
  CHECK(on.sends->route_for(true, 1000, 0) == sender::route::copy);
  struct : sendzc::release_sink {
    int left = 0;
    void on_released(uint32_t, uint32_t, bool) override { left++; }
    void on_unshared(uint32_t, uint32_t) override {}
  } abandoned;
  on.sends->abandon(abandoned);
  CHECK(on.sends->in_flight() == 0);
}

void nothing_in_flight_asks_nothing() {
  socket_pair pair = tcp_pair();
  fixture on(pair.local);
  on.sends->collect(on.released, false);
  CHECK_EQUAL(on.sends->counters().collect_calls, 0);
  CHECK(on.send(0, 5000).shared);
  CHECK(on.released_as(0) == "copied");
  uint64_t calls = on.sends->counters().collect_calls;
  for (int i = 0; i < 5; i++) on.sends->collect(on.released, false);
  CHECK_EQUAL(on.sends->counters().collect_calls, calls);
}

struct waiting_sink final : sendzc::notification_sink {
  explicit waiting_sink(uint32_t ids) : left(ids) {}
  void on_range(const sendzc::completion_range& range) override { left -= range.count(); }
  void on_foreign_error() override { CHECK(false); }
  uint32_t in_flight() const override { return left; }
  uint32_t left;
};

// The error queue of `socket` has one more notification.
void notify_once(const socket_pair& pair) {
  send_aside(pair.local, 1);
  pollfd waiting{pair.local.get(), 0, 0};
  CHECK(poll(&waiting, 1, 5000) == 1);
}

void nobody_asks_for_what_cannot_be_there() {
  socket_pair pair = udp_pair();
  int yes = 1;
  CHECK(setsockopt(pair.local.get(), SOL_SOCKET, SO_ZEROCOPY, &yes, sizeof(yes)) == 0);
  sendzc::error_queue_single single;
  sendzc::error_queue_batched batched;
  notify_once(pair);
  waiting_sink alone(1);
  sendzc::collect_result result = single.collect(pair.local.get(), false, alone);
  CHECK_EQUAL(result.found, 1);
  CHECK_EQUAL(result.calls, 1);
  notify_once(pair);
  // Others are still on their way: an answer that is short of what was asked for says that they are not here.
  waiting_sink with_others(5);
  result = batched.collect(pair.local.get(), false, with_others);
  CHECK_EQUAL(result.found, 1);
  CHECK_EQUAL(result.calls, 1);
  CHECK_EQUAL(result.empty, 0);
}

// A timestamp comes before the notification in the control messages, and must find as much room as in the first call.
void control_messages_of_each_call_find_the_same_room() {
  socket_pair pair = udp_pair();
  fixture on(pair.local);
  CHECK(on.send(0, 1000).shared);
  CHECK(on.released_as(0) == "copied");
  int yes = 1;
  CHECK(setsockopt(pair.local.get(), SOL_SOCKET, SO_TIMESTAMP, &yes, sizeof(yes)) == 0);
  CHECK(on.send(1, 1000).shared);
  CHECK(on.released_as(1) == "copied");
  CHECK_EQUAL(on.sends->counters().foreign_errors, 0);
}

void a_collection_is_due_after_each_interval() {
  socket_pair pair = tcp_pair();
  fixture on(pair.local, 4);
  for (uint32_t token = 0; token < 8; token++) {
    CHECK_EQUAL(on.sends->room_before_collection(), 4 - token % 4);
    CHECK_EQUAL(on.sends->counters().collect_calls, token / 4);
    CHECK(on.send(token, 1000).shared);
  }
  CHECK_EQUAL(on.sends->counters().collect_calls, 2);
}

void a_connection_that_is_shut_is_an_error_and_no_signal() {
  socket_pair pair = tcp_pair();
  fixture on(pair.local);
  CHECK(shutdown(pair.local.get(), SHUT_WR) == 0);
  CHECK_EQUAL(on.send(0, 1000).result, -EPIPE);
}

void abort_makes_the_kernel_let_go() {
  socket_pair pair = tcp_pair();
  fixture on(pair.local);
  uint32_t token = 0;
  while (token < 16) {
    outgoing_message sent = on.send(token, 60000);
    if (sent.result < 0) break;
    token++;
  }
  CHECK(on.sends->in_flight() > 0);
  CHECK_EQUAL(on.sends->abort(), 0);
  for (uint32_t sent = 0; sent < token; sent++) CHECK(on.released_as(sent) != "never");
  CHECK_EQUAL(on.sends->in_flight(), 0);
}

}  // namespace

const named_test sender_tests[] = {
    {"a probe uses up one id and sends nothing", a_probe_uses_one_id_and_sends_nothing},
    {"a failed datagram that used an id", a_failed_datagram_that_used_an_id},
    {"a failed datagram that used no id", a_failed_datagram_that_used_no_id},
    {"a message in doubt is abandoned", a_message_in_doubt_is_abandoned},
    {"a datagram of too many pages is copied", a_datagram_of_too_many_pages_is_copied},
    {"a TCP socket that was used before is calibrated", calibration_on_tcp},
    {"a UDP socket that was used before is calibrated", calibration_on_udp},
    {"another sender on the socket ends zero-copy", another_sender_on_the_socket_ends_zerocopy},
    {"with nothing in flight nothing is asked", nothing_in_flight_asks_nothing},
    {"nobody asks for what cannot be there", nobody_asks_for_what_cannot_be_there},
    {"control messages of each call find the same room", control_messages_of_each_call_find_the_same_room},
    {"a collection is due after each interval", a_collection_is_due_after_each_interval},
    {"a connection that is shut is an error and no signal", a_connection_that_is_shut_is_an_error_and_no_signal},
    {"abort makes the kernel let go", abort_makes_the_kernel_let_go},
    {nullptr, nullptr},
};
