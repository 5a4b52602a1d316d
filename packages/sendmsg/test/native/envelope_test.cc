// The words of an envelope as the kernel gets them: address and control messages.
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <cstring>

#include "check.h"
#include "inline_notification.h"
#include "sendzc/envelope.h"
#include "sendzc/unique_fd.h"

using sendzc::envelope;
using sendzc::envelope_socket;
using sendzc::inline_notification;

namespace {

constexpr uint64_t send_at = (uint64_t{7} << 32) + 9;

struct filled_words {
  uint32_t words[sendzc::envelope_words] = {};
  uint8_t* bytes(uint32_t word) { return reinterpret_cast<uint8_t*>(words + word); }
  filled_words() {
    words[sendzc::word_parts] = 31;
    words[sendzc::word_port] = 0x1234;
    words[sendzc::word_scope] = 5;
    words[sendzc::word_segment_bytes] = 1200;
    words[sendzc::word_source_scope] = 6;
    words[sendzc::word_ecn] = 1;
    words[sendzc::word_send_at_low] = static_cast<uint32_t>(send_at);
    words[sendzc::word_send_at_high] = static_cast<uint32_t>(send_at >> 32);
    for (uint8_t i = 0; i < 16; i++) {
      bytes(sendzc::word_address)[i] = static_cast<uint8_t>(0x20 + i);
      bytes(sendzc::word_source)[i] = static_cast<uint8_t>(0x40 + i);
    }
  }
};

template <typename Value>
Value control(msghdr& header, int level, int type) {
  for (cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr; each = CMSG_NXTHDR(&header, each)) {
    if (each->cmsg_level != level || each->cmsg_type != type) continue;
    CHECK_EQUAL(each->cmsg_len, CMSG_LEN(sizeof(Value)));
    Value value;
    memcpy(&value, CMSG_DATA(each), sizeof(value));
    return value;
  }
  fprintf(stderr, "no control message of level %d, type %d\n", level, type);
  exit(1);
}

uint32_t control_messages(msghdr& header) {
  uint32_t count = 0;
  for (cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr; each = CMSG_NXTHDR(&header, each)) count++;
  return count;
}

sendzc::unique_fd udp_socket(int domain, int level, int class_option, int traffic_class) {
  sendzc::unique_fd made(socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  CHECK(setsockopt(made.get(), level, class_option, &traffic_class, sizeof(traffic_class)) == 0);
  return made;
}

void envelope_of_ipv4() {
  sendzc::unique_fd fd = udp_socket(AF_INET, SOL_IP, IP_TOS, 0xb8);
  envelope_socket options;
  envelope to;
  filled_words given;
  CHECK_EQUAL(to.fill(given.words, fd.get(), AF_INET, options), 0);
  msghdr header{};
  to.address(header);
  CHECK_EQUAL(header.msg_namelen, sizeof(sockaddr_in));
  auto* name = static_cast<sockaddr_in*>(header.msg_name);
  CHECK_EQUAL(name->sin_family, AF_INET);
  CHECK_EQUAL(ntohs(name->sin_port), 0x1234);
  CHECK_EQUAL(ntohl(name->sin_addr.s_addr), 0x20212223);
  CHECK_EQUAL(control_messages(header), 4);
  CHECK_EQUAL(control<uint16_t>(header, SOL_UDP, UDP_SEGMENT), 1200);
  CHECK_EQUAL(control<int>(header, SOL_IP, IP_TOS), 0xb9);
  CHECK_EQUAL(ntohl(control<in_pktinfo>(header, SOL_IP, IP_PKTINFO).ipi_spec_dst.s_addr), 0x40414243);
  CHECK_EQUAL(control<uint64_t>(header, SOL_SOCKET, SCM_TXTIME), send_at);
  sendzc::txtime_clock clock{};
  socklen_t size = sizeof(clock);
  CHECK(getsockopt(fd.get(), SOL_SOCKET, SO_TXTIME, &clock, &size) == 0);
  CHECK_EQUAL(clock.clockid, CLOCK_MONOTONIC);
}

void envelope_of_ipv6() {
  sendzc::unique_fd fd = udp_socket(AF_INET6, SOL_IPV6, IPV6_TCLASS, 0x2b);
  envelope_socket options;
  envelope to;
  filled_words given;
  CHECK_EQUAL(to.fill(given.words, fd.get(), AF_INET6, options), 0);
  msghdr header{};
  to.address(header);
  CHECK_EQUAL(header.msg_namelen, sizeof(sockaddr_in6));
  auto* name = static_cast<sockaddr_in6*>(header.msg_name);
  CHECK_EQUAL(name->sin6_family, AF_INET6);
  CHECK_EQUAL(ntohs(name->sin6_port), 0x1234);
  CHECK_EQUAL(name->sin6_scope_id, 5);
  CHECK(memcmp(&name->sin6_addr, given.bytes(sendzc::word_address), 16) == 0);
  CHECK_EQUAL(control_messages(header), 4);
  CHECK_EQUAL(control<uint16_t>(header, SOL_UDP, UDP_SEGMENT), 1200);
  CHECK_EQUAL(control<int>(header, SOL_IPV6, IPV6_TCLASS), 0x29);
  auto source = control<in6_pktinfo>(header, SOL_IPV6, IPV6_PKTINFO);
  CHECK_EQUAL(source.ipi6_ifindex, 6);
  CHECK(memcmp(&source.ipi6_addr, given.bytes(sendzc::word_source), 16) == 0);
  CHECK_EQUAL(control<uint64_t>(header, SOL_SOCKET, SCM_TXTIME), send_at);
}

void envelope_without_parts() {
  filled_words given;
  given.words[sendzc::word_parts] = 0;
  envelope_socket options;
  envelope to;
  CHECK_EQUAL(to.fill(given.words, -1, AF_INET, options), 0);
  msghdr header{};
  header.msg_controllen = 1;
  to.address(header);
  CHECK(header.msg_name == nullptr && header.msg_control == nullptr);
  CHECK_EQUAL(header.msg_namelen, 0);
  CHECK_EQUAL(header.msg_controllen, 0);
}

void envelope_that_the_socket_refuses() {
  filled_words given;
  envelope_socket options;
  envelope to;
  CHECK_EQUAL(to.fill(given.words, -1, AF_INET, options), -EBADF);
}

struct no_errors final : sendzc::notification_source {
  sendzc::collect_result collect(int, bool, sendzc::notification_sink&) override { return {}; }
};

void envelope_beside_a_placeholder() {
  sendzc::unique_fd fd = udp_socket(AF_INET, SOL_IP, IP_TOS, 0);
  envelope_socket options;
  envelope to;
  filled_words given;
  CHECK_EQUAL(to.fill(given.words, fd.get(), AF_INET, options), 0);
  no_errors queue;
  inline_notification source(sendzc::scm_zc_notification, 3, queue);
  msghdr header{};
  to.address(header);
  // Twice, as after a call that took a part of the messages.
  for (int round = 0; round < 2; round++) source.attach(header);
  CHECK_EQUAL(control_messages(header), 5);
  CHECK_EQUAL(CMSG_FIRSTHDR(&header)->cmsg_type, sendzc::scm_zc_notification);
  CHECK_EQUAL(control<uint16_t>(header, SOL_UDP, UDP_SEGMENT), 1200);
  CHECK_EQUAL(control<uint64_t>(header, SOL_SOCKET, SCM_TXTIME), send_at);
  // The next message has no envelope.
  msghdr plain{};
  source.attach(plain);
  CHECK_EQUAL(control_messages(plain), 1);
}

}  // namespace

const named_test envelope_tests[] = {
    {"an envelope of IPv4 has every part", envelope_of_ipv4},
    {"an envelope of IPv6 has every part", envelope_of_ipv6},
    {"an envelope without parts leaves the peer and no control data", envelope_without_parts},
    {"an envelope that the socket refuses says so", envelope_that_the_socket_refuses},
    {"an envelope goes beside a placeholder", envelope_beside_a_placeholder},
    {nullptr, nullptr},
};
