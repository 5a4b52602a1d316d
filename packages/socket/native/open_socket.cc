#include "open_socket.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <netinet/tcp.h>
#include <poll.h>

#include <cstring>

#include "uapi.h"

namespace sendzc {
namespace {

struct socket_kind {
  int domain;
  int type;
  int protocol;
};

socket_kind kind_of(const socket_spec& spec) {
  switch (spec.protocol) {
    case socket_protocol::tcp:
      return {spec.family, SOCK_STREAM, IPPROTO_TCP};
    case socket_protocol::udp:
      return {spec.family, SOCK_DGRAM, IPPROTO_UDP};
    case socket_protocol::raw:
      return {spec.family, SOCK_RAW, spec.protocol_number};
    case socket_protocol::raw_hdrincl:
      // IPPROTO_RAW implies IP_HDRINCL and never receives (raw(7)); a receiver listens on the header's protocol number
      return {spec.family, SOCK_RAW, spec.role == socket_role::connect ? IPPROTO_RAW : spec.protocol_number};
    case socket_protocol::packet:
      return {AF_PACKET, SOCK_RAW, 0};
    case socket_protocol::packet_dgram:
      return {AF_PACKET, SOCK_DGRAM, 0};
    case socket_protocol::vsock:
      return {AF_VSOCK, SOCK_STREAM, 0};
  }
  return {-1, 0, 0};
}

bool is_packet(const socket_spec& spec) {
  return spec.protocol == socket_protocol::packet || spec.protocol == socket_protocol::packet_dgram;
}

// RAW and PACKET senders also receive what matches their protocol number, on loopback their own messages. A filter that accepts
// nothing keeps that memory free for sending.
int refuse_all_input(int fd) {
  sock_filter refuse = {BPF_RET | BPF_K, 0, 0, 0};
  sock_fprog program = {1, &refuse};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0 ? 0 : -errno;
}

int set_one_buffer_size(int fd, int option, int forced_option, int32_t bytes) {
  if (setsockopt(fd, SOL_SOCKET, forced_option, &bytes, sizeof(bytes)) == 0) return 0;
  if (setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof(bytes)) != 0) return -errno;
  int booked = 0;
  socklen_t size = sizeof(booked);
  if (getsockopt(fd, SOL_SOCKET, option, &booked, &size) != 0) return -errno;
  // socket(7): the kernel stores twice the value, and cuts it to the sysctl's limit without an error
  return booked / 2 < bytes ? -ERANGE : 0;
}

int set_options(int fd, const socket_spec& spec, const char*& failed_call) {
  int result = set_buffer_sizes(fd, spec.send_buffer_bytes, spec.receive_buffer_bytes, failed_call);
  if (result != 0) return result;
  int on = 1;
  if (spec.no_delay) {
    failed_call = "setsockopt(TCP_NODELAY)";
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0) return -errno;
  }
  if (!spec.congestion_control.empty()) {
    failed_call = "setsockopt(TCP_CONGESTION)";
    // Before the connection: a socket that bbr has begun goes on pacing under another one
    const std::string& name = spec.congestion_control;
    if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name.c_str(), static_cast<socklen_t>(name.size())) != 0) return -errno;
  }
  if (!is_packet(spec) && !spec.device.empty()) {
    failed_call = "setsockopt(SO_BINDTODEVICE)";
    if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, spec.device.c_str(), static_cast<socklen_t>(spec.device.size())) != 0) {
      return -errno;
    }
  }
  if (spec.role == socket_role::listen) {
    failed_call = "setsockopt(SO_REUSEADDR)";
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0) return -errno;
  }
  bool sends_only = spec.role == socket_role::connect && (is_packet(spec) || spec.protocol == socket_protocol::raw);
  if (sends_only) {
    failed_call = "setsockopt(SO_ATTACH_FILTER)";
    return refuse_all_input(fd);
  }
  return 0;
}

// The address to bind (bind, listen, PACKET) or to connect to.
int main_address(const socket_spec& spec, socket_address& address) {
  if (is_packet(spec)) return packet_address(spec.device, static_cast<uint16_t>(spec.ether_type), spec.mac, address);
  if (spec.protocol == socket_protocol::vsock) {
    vsock_address(spec.cid, spec.port, address);
    return 0;
  }
  bool is_raw = spec.protocol == socket_protocol::raw || spec.protocol == socket_protocol::raw_hdrincl;
  // RAW has no ports, but getpeername(2) takes a socket without one for unconnected. raw(7), ipv6(7): the protocol number.
  return parse_inet_address(spec.family, spec.host, is_raw ? static_cast<uint32_t>(spec.protocol_number) : spec.port, address);
}

int bind_local(int fd, const socket_spec& spec, const char*& failed_call) {
  if (spec.local_host.empty() && spec.local_port == 0) return 0;
  socket_address local;
  if (spec.protocol == socket_protocol::vsock) {
    vsock_address(VMADDR_CID_ANY, spec.local_port, local);
  } else {
    failed_call = "getaddrinfo";
    const char* any = spec.family == AF_INET ? "0.0.0.0" : "::";
    int result = parse_inet_address(spec.family, spec.local_host.empty() ? any : spec.local_host, spec.local_port, local);
    if (result != 0) return result;
  }
  failed_call = "bind";
  return bind(fd, local.get(), local.size) == 0 ? 0 : -errno;
}

int connect_socket(int fd, const socket_spec& spec, const socket_address& peer, bool& connecting, const char*& failed_call) {
  int result = bind_local(fd, spec, failed_call);
  if (result != 0) return result;
  failed_call = "connect";
  // EINTR leaves the connection under way, as EINPROGRESS does (connect(2))
  if (connect(fd, peer.get(), peer.size) == 0) return 0;
  if (errno != EINPROGRESS && errno != EINTR) return -errno;
  result = finish_connect(fd);
  connecting = result == -EINPROGRESS;
  return connecting ? 0 : result;
}

}  // namespace

int set_buffer_sizes(int fd, int32_t send_bytes, int32_t receive_bytes, const char*& failed_call) {
  if (send_bytes > 0) {
    failed_call = "setsockopt(SO_SNDBUF)";
    int result = set_one_buffer_size(fd, SO_SNDBUF, SO_SNDBUFFORCE, send_bytes);
    if (result != 0) return result;
  }
  if (receive_bytes > 0) {
    failed_call = "setsockopt(SO_RCVBUF)";
    int result = set_one_buffer_size(fd, SO_RCVBUF, SO_RCVBUFFORCE, receive_bytes);
    if (result != 0) return result;
  }
  return 0;
}

int finish_connect(int fd) {
  pollfd ready = {fd, POLLOUT, 0};
  if (poll(&ready, 1, 0) < 0) return errno == EINTR ? -EINPROGRESS : -errno;
  if (ready.revents == 0) return -EINPROGRESS;
  if ((ready.revents & POLLNVAL) != 0) return -EBADF;
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return -errno;
  return -error;
}

int accept_connection(int fd) {
  for (;;) {
    int accepted = accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted >= 0) return accepted;
    // accept(2): errors of a connection that died in the queue are to be treated as EAGAIN by retrying
    if (errno != EINTR && errno != ECONNABORTED) return -errno;
  }
}

int close_socket(int fd) { return close(fd) == 0 ? 0 : -errno; }

int enable_zerocopy(int fd) {
  int on = 1;
  return setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)) == 0 ? 0 : -errno;
}

int open_socket(const socket_spec& spec, opened_socket& opened, const char*& failed_call) {
  socket_kind kind = kind_of(spec);
  failed_call = "socket";
  unique_fd fd(socket(kind.domain, kind.type | SOCK_NONBLOCK | SOCK_CLOEXEC, kind.protocol));
  if (!fd) return -errno;
  failed_call = is_packet(spec) ? "if_nametoindex" : "getaddrinfo";
  socket_address address;
  int result = main_address(spec, address);
  if (result == 0) result = set_options(fd.get(), spec, failed_call);
  if (result != 0) return result;
  if (is_packet(spec)) {
    // A bound PACKET socket with a protocol number has a default device, so that it can send without a name (packet(7))
    opened.destination = address;
    failed_call = "bind";
    if (bind(fd.get(), address.get(), address.size) != 0) return -errno;
  } else if (spec.role == socket_role::connect) {
    result = connect_socket(fd.get(), spec, address, opened.connecting, failed_call);
    if (result != 0) return result;
  } else {
    failed_call = "bind";
    if (bind(fd.get(), address.get(), address.size) != 0) return -errno;
    failed_call = "listen";
    if (spec.role == socket_role::listen && listen(fd.get(), spec.backlog) != 0) return -errno;
  }
  opened.fd = std::move(fd);
  return 0;
}

}  // namespace sendzc
