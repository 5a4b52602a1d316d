// The sender on real sockets, where the count of notification ids is at stake.
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <vector>

#include "next_id_probe.h"
#include "sender_fixture.h"

using sendzc::outgoing_message;
using sendzc::sender;
using sendzc::unique_fd;

namespace {

int datagrams_waiting(const unique_fd& socket) {
  int count = 0;
  char byte;
  while (recv(socket.get(), &byte, 1, MSG_DONTWAIT | MSG_TRUNC) >= 0) count++;
  return count;
}

void a_probe_uses_one_id_and_sends_nothing() {
  socket_pair pair = udp_pair();
  fixture on(pair.local);
  CHECK(on.send(0, 1000).shared);
  CHECK(on.released_as(0) == "copied");
  CHECK_EQUAL(sendzc::use_up_next_id(pair.local.get(), AF_INET), 0);
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

void send_aside(const unique_fd& socket, int times) {
  static char elsewhere[500];
  for (int i = 0; i < times; i++) CHECK(send(socket.get(), elsewhere, sizeof(elsewhere), MSG_ZEROCOPY) == sizeof(elsewhere));
}

void allow_zerocopy(const unique_fd& socket) {
  int yes = 1;
  CHECK(setsockopt(socket.get(), SOL_SOCKET, SO_ZEROCOPY, &yes, sizeof(yes)) == 0);
}

void read_bytes(const unique_fd& socket, size_t bytes) {
  std::vector<char> into(1 << 16);
  while (bytes > 0) {
    ssize_t got = recv(socket.get(), into.data(), std::min(bytes, into.size()), 0);
    CHECK(got > 0);
    bytes -= static_cast<size_t>(got);
  }
}

void a_socket_that_was_used_before_is_calibrated(const socket_pair& pair) {
  allow_zerocopy(pair.local);
  send_aside(pair.local, 5);
  fixture on(pair.local);
  // The notifications of the earlier sends come first, and must not be taken for ours.
  read_bytes(pair.peer, 2500);
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

// Until all of them are acknowledged, a notification could be that of any.
void earlier_sends_are_waited_for() {
  socket_pair pair = tcp_pair();
  allow_zerocopy(pair.local);
  std::vector<char> earlier(60000, 'e');
  size_t queued = 0;
  for (;;) {
    ssize_t sent = send(pair.local.get(), earlier.data(), earlier.size(), MSG_ZEROCOPY | MSG_DONTWAIT);
    if (sent <= 0) break;
    queued += static_cast<size_t>(sent);
  }
  fixture on(pair.local);
  CHECK(on.sends->route_for(true, 1000, 0) == sender::route::copy);
  read_bytes(pair.peer, queued);
  for (int look = 0; look < 1000 && on.sends->route_for(true, 1000, 0) == sender::route::copy; look++) poll(nullptr, 0, 5);
  CHECK(on.send(0, 1000).shared);
  CHECK(on.released_as(0) == "copied");
}

void calibration_on_tcp() { a_socket_that_was_used_before_is_calibrated(tcp_pair()); }
void calibration_on_udp() { a_socket_that_was_used_before_is_calibrated(udp_pair()); }

int open_again(const unique_fd& socket, bool zerocopy) {
  sendzc::opened_socket opened;
  int error = sendzc::open_socket(socket.get(), zerocopy, opened);
  if (error != 0) CHECK(opened.stage == sendzc::open_stage::owned);
  return error;
}

void a_socket_has_one_owner() {
  socket_pair pair = tcp_pair();
  socket_pair other = tcp_pair();
  unique_fd duplicate(dup(pair.local.get()));
  {
    fixture on(pair.local);
    CHECK_EQUAL(open_again(pair.local, true), -EBUSY);
    CHECK_EQUAL(open_again(duplicate, true), -EBUSY);
    CHECK_EQUAL(open_again(pair.local, false), 0);
    CHECK_EQUAL(open_again(other.local, true), 0);
    on.sends->close();
    CHECK_EQUAL(open_again(duplicate, true), 0);
  }
  { fixture on(pair.local); }
  CHECK_EQUAL(open_again(pair.local, true), 0);
}

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
  on.sends->abandon(on.released);
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
  allow_zerocopy(pair.local);
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

// Collects from a descriptor that is no socket.
void an_error_of_the_error_queue_is_told() {
  int ends[2];
  CHECK(pipe(ends) == 0);
  unique_fd reading(ends[0]), writing(ends[1]);
  sendzc::error_queue_single single;
  sendzc::error_queue_batched batched;
  waiting_sink sink(1);
  for (sendzc::notification_source* source :
       {static_cast<sendzc::notification_source*>(&single), static_cast<sendzc::notification_source*>(&batched)}) {
    sendzc::collect_result result = source->collect(reading.get(), false, sink);
    CHECK_EQUAL(result.error, -ENOTSOCK);
    CHECK_EQUAL(result.found, 0);
    CHECK_EQUAL(result.calls, 1);
  }
}

// The error queue that cannot be read so many times.
class failing final : public sendzc::notification_source {
 public:
  explicit failing(int times) : times_(times) {}
  int calls() const { return calls_; }
  sendzc::collect_result collect(int fd, bool force, sendzc::notification_sink& sink) override {
    if (++calls_ > times_) return queue_.collect(fd, force, sink);
    sendzc::collect_result result;
    result.calls = result.empty = 1;
    result.error = -ENOSYS;
    result.failed = sendzc::system_call::recvmsg;
    return result;
  }

 private:
  sendzc::error_queue_batched queue_;
  int times_;
  int calls_ = 0;
};

// Turns as a timer would: a collection each time that one is due.
void collect_when_due(fixture& on, uint32_t token) {
  while (on.released.by_token.count(token) == 0) {
    poll(nullptr, 0, std::max(1, on.sends->retry_left_ms()));
    on.sends->collect(on.released, false);
  }
}

void a_collection_that_failed_is_tried_again(const socket_pair& pair) {
  failing source(sendzc::retry_pause::max_failures - 1);
  fixture on(pair.local, 0, &source);
  CHECK(on.send(0, 1000).shared);
  on.sends->collect(on.released, false);
  CHECK(on.sends->awaits_retry());
  for (int i = 0; i < 10; i++) on.sends->collect(on.released, false);
  CHECK(source.calls() <= 2);
  CHECK_EQUAL(on.send(1, 1000).result, 1000);
  collect_when_due(on, 0);
  CHECK(on.released.by_token[0] == "copied");
  CHECK(on.released_as(1) == "copied");
  CHECK(!on.sends->awaits_retry());
  CHECK_EQUAL(on.sends->pending_error(), 0);
}

void collecting_that_fails_for_good_is_given_up(const socket_pair& pair) {
  failing source(INT_MAX);
  fixture on(pair.local, 0, &source);
  CHECK(on.send(0, 1000).shared);
  collect_when_due(on, 0);
  CHECK(on.released.by_token[0] == "abandoned");
  CHECK_EQUAL(source.calls(), sendzc::retry_pause::max_failures);
  CHECK_EQUAL(on.sends->in_flight(), 0);
  CHECK(!on.sends->awaits_retry());
  outgoing_message failed = on.send(1, 1000);
  CHECK_EQUAL(failed.result, -ENOSYS);
  CHECK(failed.failed == sendzc::system_call::recvmsg);
  CHECK(!failed.shared);
  outgoing_message copied = on.send(2, 1000);
  CHECK_EQUAL(copied.result, 1000);
  CHECK(!copied.shared);
  CHECK_EQUAL(source.calls(), sendzc::retry_pause::max_failures);
}

void retries_on_tcp() { a_collection_that_failed_is_tried_again(tcp_pair()); }
void retries_on_udp() { a_collection_that_failed_is_tried_again(udp_pair()); }
void giving_up_on_tcp() { collecting_that_fails_for_good_is_given_up(tcp_pair()); }
void giving_up_on_udp() { collecting_that_fails_for_good_is_given_up(udp_pair()); }

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
    {"a TCP socket that was used before is calibrated", calibration_on_tcp},
    {"a UDP socket that was used before is calibrated", calibration_on_udp},
    {"earlier sends are waited for", earlier_sends_are_waited_for},
    {"a socket has one owner", a_socket_has_one_owner},
    {"another sender on the socket ends zero-copy", another_sender_on_the_socket_ends_zerocopy},
    {"with nothing in flight nothing is asked", nothing_in_flight_asks_nothing},
    {"nobody asks for what cannot be there", nobody_asks_for_what_cannot_be_there},
    {"an error of the error queue is told", an_error_of_the_error_queue_is_told},
    {"a collection that failed is tried again, over TCP", retries_on_tcp},
    {"a collection that failed is tried again, over UDP", retries_on_udp},
    {"collecting that fails for good is given up, over TCP", giving_up_on_tcp},
    {"collecting that fails for good is given up, over UDP", giving_up_on_udp},
    {"control messages of each call find the same room", control_messages_of_each_call_find_the_same_room},
    {"a collection is due after each interval", a_collection_is_due_after_each_interval},
    {"a connection that is shut is an error and no signal", a_connection_that_is_shut_is_an_error_and_no_signal},
    {"abort makes the kernel let go", abort_makes_the_kernel_let_go},
    {nullptr, nullptr},
};
