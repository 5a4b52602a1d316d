// Sends that fail, where a notification id may be used up all the same.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "sender_fixture.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

using sendzc::outgoing_message;
using sendzc::sender;
using sendzc::unique_fd;

namespace {

// The kernel builds the packet of this datagram, gives it an id, and then finds that it has too many segments (udp_send_skb):
// sendmsg fails and the id is used up.
void make_sends_fail_late(const unique_fd& socket, bool failing) {
  int segment_bytes = failing ? 100 : 0;
  CHECK(setsockopt(socket.get(), IPPROTO_UDP, UDP_SEGMENT, &segment_bytes, sizeof(segment_bytes)) == 0);
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
  CHECK(failed.shared);
  CHECK(on.released.by_token[1] == "unshared");
  CHECK(on.sends->route_for(true, 1000, 0) == sender::route::zerocopy);
  allow_broadcast(local, true);
  CHECK(on.send(2, 1000).shared);
  CHECK(on.released_as(2) == "copied");
  CHECK_EQUAL(on.sends->in_flight(), 0);
}

// More page fragments than a packet has room for.
struct scattered_payload {
  std::vector<char> pages = std::vector<char>(64 * 4096, 'y');
  std::vector<iovec> pieces;

  scattered_payload() {
    for (size_t i = 0; i < 64; i++) pieces.push_back(iovec{pages.data() + i * 4096, 10});
  }

  outgoing_message message(uint32_t token) {
    outgoing_message made;
    made.segments = pieces.data();
    made.segment_count = static_cast<uint32_t>(pieces.size());
    made.token = token;
    made.bytes = 640;
    return made;
  }
};

void a_datagram_of_too_many_pages_is_copied() {
  socket_pair pair = udp_pair();
  fixture on(pair.local);
  scattered_payload payload;
  outgoing_message scattered = payload.message(3);
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

void datagrams_of_a_run_have_results_of_their_own() {
  socket_pair pair = udp_pair();
  fixture on(pair.local);
  scattered_payload payload;
  iovec segments[] = {{on.payload.data(), 100}, {on.payload.data(), 2000}};
  outgoing_message run[4];
  for (uint32_t i = 0; i < 2; i++) {
    run[i].segments = &segments[i];
    run[i].segment_count = 1;
    run[i].token = i;
    run[i].bytes = segments[i].iov_len;
  }
  run[2] = payload.message(2);
  run[3] = on.message(3, 500);
  CHECK_EQUAL(on.sends->send_datagrams(run, 4, true), 3);
  CHECK_EQUAL(run[0].result, 100);
  CHECK_EQUAL(run[1].result, 2000);
  CHECK_EQUAL(run[2].result, -EMSGSIZE);
  CHECK(run[2].too_large);
  CHECK(!run[2].shared);
  CHECK_EQUAL(on.sends->in_flight(), 2);
}

void shell(const char* command) { CHECK_EQUAL(system(command), 0); }

// A network of its own, whose loopback device is as `setup` leaves it.
void enter_own_network(const char* setup) {
  std::string as_root = "0 " + std::to_string(geteuid()) + " 1";
  CHECK(unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0);
  // Else the commands would run without the capabilities over the network.
  unique_fd map(open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC));
  CHECK_EQUAL(write(map.get(), as_root.data(), as_root.size()), as_root.size());
  shell(setup);
  shell("ip link set lo up");
}

// A peer behind a device that can be taken away.
void lay_cable() {
  shell("ip link add near type veth peer name far && ip link set near up && ip link set far up");
  shell("ip address add 10.8.8.1/24 dev near && ip address add fd00::1/64 dev near nodad");
}

// Over a socket of IPv6 that has no use for IPv4, and keeps to one device.
unique_fd socket_to(const char* peer, bool on_near_only) {
  sockaddr_in inet{};
  sockaddr_in6 inet6{};
  inet.sin_family = AF_INET;
  inet6.sin6_family = AF_INET6;
  inet.sin_port = inet6.sin6_port = htons(9);
  bool is_inet = inet_pton(AF_INET, peer, &inet.sin_addr) == 1;
  if (!is_inet) CHECK(inet_pton(AF_INET6, peer, &inet6.sin6_addr) == 1);
  unique_fd local(socket(is_inet ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (on_near_only) CHECK(setsockopt(local.get(), SOL_SOCKET, SO_BINDTODEVICE, "near", 5) == 0);
  int yes = 1;
  if (on_near_only && !is_inet) CHECK(setsockopt(local.get(), SOL_IPV6, IPV6_V6ONLY, &yes, sizeof(yes)) == 0);
  auto* address = is_inet ? reinterpret_cast<sockaddr*>(&inet) : reinterpret_cast<sockaddr*>(&inet6);
  CHECK(connect(local.get(), address, is_inet ? sizeof(inet) : sizeof(inet6)) == 0);
  return local;
}

// Whether the failed datagram had an id is known at once, and counted right, although the route stays away.
void a_route_that_goes_away_leaves_no_doubt() {
  enter_own_network("true");
  lay_cable();
  const struct {
    const char* peer;
    const char* route_ends;
    const char* route_comes_back;
    int error;
  } cases[] = {
      {"10.8.8.2", "ip route add unreachable 10.8.8.2", "ip route delete unreachable 10.8.8.2", -EHOSTUNREACH},
      {"10.8.8.2", "ip route add prohibit 10.8.8.2", "ip route delete prohibit 10.8.8.2", -EACCES},
      {"10.8.8.2", "ip route add blackhole 10.8.8.2", "ip route delete blackhole 10.8.8.2", -EINVAL},
      {"10.8.8.2", "ip route add throw 10.8.8.2", "ip route delete throw 10.8.8.2", -ENETUNREACH},
      {"fd00::2", "ip route add unreachable fd00::2", "ip route delete unreachable fd00::2", -EHOSTUNREACH},
      {"fd00::2", "ip route add prohibit fd00::2", "ip route delete prohibit fd00::2", -EACCES},
      {"fd00::2", "ip route add blackhole fd00::2", "ip route delete blackhole fd00::2", -EINVAL},
      {"::ffff:10.8.8.2", "ip route add unreachable 10.8.8.2", "ip route delete unreachable 10.8.8.2", -EHOSTUNREACH},
      {"10.8.8.2", "ip link set lo down && ip link set near down", "ip link set lo up && ip link set near up", -ENETUNREACH},
  };
  for (const auto& route : cases) {
    unique_fd local = socket_to(route.peer, false);
    fixture on(local);
    shell(route.route_ends);
    outgoing_message failed = on.send(1, 20000);
    CHECK_EQUAL(failed.result, route.error);
    CHECK(on.released.by_token[1] == "unshared");
    CHECK_EQUAL(on.sends->in_flight(), 0);
    shell(route.route_comes_back);
    CHECK(on.send(2, 1000).shared);
    on.sends->abandon(on.released);
  }
}

void a_removed_device_leaves_no_doubt() {
  enter_own_network("true");
  for (bool on_near_only : {false, true}) {
    lay_cable();
    unique_fd local = socket_to("10.8.8.2", on_near_only);
    fixture on(local);
    shell("ip link delete near");
    CHECK_EQUAL(on.send(1, 20000).result, -ENETUNREACH);
    CHECK(on.released.by_token[1] == "unshared");
    CHECK(on.sends->route_for(true, 1000, 0) == sender::route::zerocopy);
  }
}

// The socket refuses every datagram, so the kernel's count stays unknown.
void a_doubt_that_nothing_can_end_is_given_up() {
  enter_own_network("true");
  lay_cable();
  unique_fd local = socket_to("fd00::2", true);
  fixture on(local);
  shell("ip link delete near");
  CHECK_EQUAL(on.send(1, 20000).result, -ENETUNREACH);
  CHECK(on.released.by_token[1] == "abandoned");
  CHECK_EQUAL(on.sends->in_flight(), 0);
  CHECK(on.sends->route_for(true, 1000, 0) == sender::route::copy);
}

// While something else is in flight, whose notification makes the sender ask again.
void a_doubt_outlasts_no_message_in_flight() {
  enter_own_network("true");
  lay_cable();
  // A packet leaves at once, and the next after half a second.
  shell("tc qdisc add dev near root tbf rate 20kbit burst 1540 latency 5s");
  unique_fd local = socket_to("fd00::2", true);
  shell("ip neigh add fd00::2 lladdr 02:00:00:00:00:02 dev near nud permanent");
  fixture on(local);
  CHECK(on.send(0, 1200).shared);
  CHECK(on.send(1, 1200).shared);
  shell("ip address delete fd00::1/64 dev near");
  CHECK_EQUAL(on.send(2, 20000).result, -ENETUNREACH);
  CHECK_EQUAL(on.released.by_token.count(1) + on.released.by_token.count(2), 0);
  CHECK(on.sends->route_for(true, 1000, 0) == sender::route::copy);
  CHECK(on.released_as(1) != "never");
  CHECK(on.released.by_token[2] == "abandoned");
  CHECK_EQUAL(on.sends->in_flight(), 0);
}

// As udp_send_skb refuses segments larger than the device takes: the packet has its id by then.
void a_datagram_refused_for_its_size_that_used_an_id() {
  enter_own_network("ip link set lo mtu 1500");
  socket_pair pair = udp_pair();
  fixture on(pair.local);
  CHECK(on.send(0, 1000).shared);
  CHECK(on.released_as(0) == "copied");
  int segment_bytes = 5000;
  CHECK(setsockopt(pair.local.get(), IPPROTO_UDP, UDP_SEGMENT, &segment_bytes, sizeof(segment_bytes)) == 0);
  outgoing_message refused = on.send(1, 6000);
  // Older kernels say EINVAL.
  CHECK(refused.result == -EMSGSIZE || refused.result == -EINVAL);
  make_sends_fail_late(pair.local, false);
  CHECK(on.send(2, 1000).shared);
  CHECK(on.released_as(2) == "copied");
  CHECK_EQUAL(on.sends->counters().unknown_ids, 0);
  CHECK_EQUAL(on.sends->in_flight(), 0);
}

// The kernel reports it only because the socket asks for errors of transmission.
void a_datagram_dropped_by_the_device_used_an_id() {
  // No packet larger than the bucket ever leaves it.
  enter_own_network("tc qdisc add dev lo root tbf rate 100mbit burst 3000 latency 50ms");
  socket_pair pair = udp_pair();
  int yes = 1;
  CHECK(setsockopt(pair.local.get(), SOL_IP, IP_RECVERR, &yes, sizeof(yes)) == 0);
  fixture on(pair.local);
  CHECK(on.send(0, 1000).shared);
  CHECK(on.released_as(0) == "copied");
  outgoing_message dropped = on.send(1, 20000);
  CHECK_EQUAL(dropped.result, -ENOBUFS);
  CHECK_EQUAL(on.released.by_token.count(1), 1);
  CHECK(on.send(2, 1000).shared);
  CHECK(on.released_as(2) == "copied");
  CHECK_EQUAL(on.sends->counters().unknown_ids, 0);
  CHECK_EQUAL(on.sends->in_flight(), 0);
}

}  // namespace

const named_test failed_send_tests[] = {
    {"a failed datagram that used an id", a_failed_datagram_that_used_an_id},
    {"a failed datagram that used no id", a_failed_datagram_that_used_no_id},
    {"a route that goes away leaves no doubt", a_route_that_goes_away_leaves_no_doubt},
    {"a removed device leaves no doubt", a_removed_device_leaves_no_doubt},
    {"a doubt that nothing can end is given up", a_doubt_that_nothing_can_end_is_given_up},
    {"a doubt outlasts no message in flight", a_doubt_outlasts_no_message_in_flight},
    {"a datagram of too many pages is copied", a_datagram_of_too_many_pages_is_copied},
    {"datagrams of a run have results of their own", datagrams_of_a_run_have_results_of_their_own},
    {"a datagram refused for its size that used an id", a_datagram_refused_for_its_size_that_used_an_id},
    {"a datagram dropped by the device used an id", a_datagram_dropped_by_the_device_used_an_id},
    {nullptr, nullptr},
};
