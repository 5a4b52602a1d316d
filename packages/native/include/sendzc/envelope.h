// The envelope of one datagram: its address and the control data beside it, from the words of SendBatch.envelopes to a msghdr. Mirrors
// EnvelopeWord and EnvelopePart of packages/core/src/driver/send-batch.ts.
#pragma once

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <time.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "socket_facts.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103  // 4.18
#endif
#ifndef SO_TXTIME
#define SO_TXTIME 61  // 4.19
#endif
#ifndef SCM_TXTIME
#define SCM_TXTIME SO_TXTIME
#endif

namespace sendzc {

// struct sock_txtime of linux/net_tstamp.h, which the headers of older systems lack (4.19).
struct txtime_clock {
  int32_t clockid;
  uint32_t flags;
};
static_assert(sizeof(txtime_clock) == 8, "struct sock_txtime is 8 bytes");

constexpr uint32_t envelope_words = 16;

enum envelope_part : uint32_t { part_address = 1, part_segments = 2, part_ecn = 4, part_source = 8, part_send_at = 16 };

enum envelope_word : uint32_t {
  word_parts = 0,
  word_port = 1,
  word_scope = 2,
  word_address = 3,
  word_segment_bytes = 7,
  word_source = 8,
  word_source_scope = 12,
  word_ecn = 13,
  word_send_at_low = 14,
  word_send_at_high = 15,
};

// Whether datagrams of this socket can have envelopes.
inline bool takes_envelopes(const socket_facts& facts) {
  return (facts.domain == AF_INET || facts.domain == AF_INET6) && facts.type == SOCK_DGRAM && facts.protocol == IPPROTO_UDP;
}

// Settings of a socket, each read or made at the first envelope that needs it.
class envelope_socket {
 public:
  // 0 or a negated errno.
  int prepare(int fd, int domain, uint32_t parts) {
    if ((parts & part_ecn) != 0 && !knows_class_) {
      int value = 0;
      socklen_t size = sizeof(value);
      bool inet = domain == AF_INET;
      if (getsockopt(fd, inet ? SOL_IP : SOL_IPV6, inet ? IP_TOS : IPV6_TCLASS, &value, &size) != 0) return -errno;
      traffic_class_ = value < 0 ? 0 : value;
      knows_class_ = true;
    }
    if ((parts & part_send_at) != 0 && !takes_time_) {
      txtime_clock clock{};
      clock.clockid = CLOCK_MONOTONIC;
      if (setsockopt(fd, SOL_SOCKET, SO_TXTIME, &clock, sizeof(clock)) != 0) return -errno;
      takes_time_ = true;
    }
    return 0;
  }
  // The byte of the IP header with these ECN bits.
  int traffic_class(uint32_t ecn) const { return (traffic_class_ & ~3) | static_cast<int>(ecn & 3); }

 private:
  int traffic_class_ = 0;
  bool knows_class_ = false;
  bool takes_time_ = false;
};

// Address and control data, laid out for the kernel, which may read them until the call that sends returns.
class envelope {
 public:
  // Control data of one envelope at most.
  static constexpr size_t max_control_bytes =
      CMSG_SPACE(sizeof(uint16_t)) + CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(uint64_t));

  // `words` are envelope_words. 0 or a negated errno.
  int fill(const uint32_t* words, int fd, int domain, envelope_socket& socket) {
    uint32_t parts = words[word_parts];
    int error = socket.prepare(fd, domain, parts);
    if (error != 0) return error;
    name_bytes_ = 0;
    control_bytes_ = 0;
    bool inet = domain == AF_INET;
    if ((parts & part_address) != 0) fill_name(words, inet);
    if ((parts & part_segments) != 0) add(SOL_UDP, UDP_SEGMENT, static_cast<uint16_t>(words[word_segment_bytes]));
    if ((parts & part_ecn) != 0) {
      add(inet ? SOL_IP : SOL_IPV6, inet ? IP_TOS : IPV6_TCLASS, socket.traffic_class(words[word_ecn]));
    }
    if ((parts & part_source) != 0) add_source(words, inet);
    if ((parts & part_send_at) != 0) {
      add(SOL_SOCKET, SCM_TXTIME, static_cast<uint64_t>(words[word_send_at_high]) << 32 | words[word_send_at_low]);
    }
    return 0;
  }
  // Points the header at this envelope, which must not move while the header is used.
  void address(msghdr& header) {
    header.msg_name = name_bytes_ == 0 ? nullptr : &name_;
    header.msg_namelen = name_bytes_;
    header.msg_control = control_bytes_ == 0 ? nullptr : control_;
    header.msg_controllen = control_bytes_;
  }

 private:
  void fill_name(const uint32_t* words, bool inet) {
    memset(&name_, 0, sizeof(name_));
    uint16_t port = htons(static_cast<uint16_t>(words[word_port]));
    if (inet) {
      name_.inet.sin_family = AF_INET;
      name_.inet.sin_port = port;
      memcpy(&name_.inet.sin_addr, words + word_address, sizeof(in_addr));
      name_bytes_ = sizeof(sockaddr_in);
    } else {
      name_.inet6.sin6_family = AF_INET6;
      name_.inet6.sin6_port = port;
      name_.inet6.sin6_scope_id = words[word_scope];
      memcpy(&name_.inet6.sin6_addr, words + word_address, sizeof(in6_addr));
      name_bytes_ = sizeof(sockaddr_in6);
    }
  }

  void add_source(const uint32_t* words, bool inet) {
    if (inet) {
      in_pktinfo source{};
      memcpy(&source.ipi_spec_dst, words + word_source, sizeof(in_addr));
      add(SOL_IP, IP_PKTINFO, source);
    } else {
      in6_pktinfo source{};
      memcpy(&source.ipi6_addr, words + word_source, sizeof(in6_addr));
      source.ipi6_ifindex = words[word_source_scope];
      add(SOL_IPV6, IPV6_PKTINFO, source);
    }
  }

  template <typename Value>
  void add(int level, int type, const Value& value) {
    auto* header = reinterpret_cast<cmsghdr*>(control_ + control_bytes_);
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(sizeof(value));
    memcpy(CMSG_DATA(header), &value, sizeof(value));
    control_bytes_ += CMSG_SPACE(sizeof(value));
  }

  union {
    sockaddr_in inet;
    sockaddr_in6 inet6;
  } name_;
  socklen_t name_bytes_ = 0;
  uint32_t control_bytes_ = 0;
  alignas(cmsghdr) unsigned char control_[max_control_bytes] = {};
};

}  // namespace sendzc
