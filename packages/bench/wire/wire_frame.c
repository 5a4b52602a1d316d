#define _GNU_SOURCE
#include "wire_frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "wire_event.h"

#define HELD_FRAME_BYTES 160
#define TTL 64

struct held_frame {
  uint64_t due_ns;
  uint16_t bytes;
  uint8_t frame[HELD_FRAME_BYTES];
};

static struct wire_link wire;
static uint64_t hold_ns;
static struct outbox_counters counted;

static uint8_t batch[OUTBOX_BATCH_FRAMES][FRAME_MAX_BYTES];
static struct iovec batch_parts[OUTBOX_BATCH_FRAMES];
static struct mmsghdr batch_messages[OUTBOX_BATCH_FRAMES];
static struct sockaddr_ll batch_address;
static unsigned batched;

static struct held_frame* held;
static unsigned held_first;
static unsigned held_count;

uint64_t clock_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + now.tv_nsec;
}

static int mac_of(int fd, const char* name, uint8_t mac[6]) {
  struct ifreq request = {0};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (ioctl(fd, SIOCGIFHWADDR, &request)) return -1;
  memcpy(mac, request.ifr_hwaddr.sa_data, 6);
  return 0;
}

int link_open(struct wire_link* link, const char* near_name, const char* far_name, const char** what) {
  *what = "socket(AF_PACKET)";
  link->socket = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (link->socket < 0) return -1;
  *what = far_name;
  link->far_index = (int)if_nametoindex(far_name);
  if (link->far_index == 0 || mac_of(link->socket, far_name, link->far_mac)) return -1;
  *what = near_name;
  return mac_of(link->socket, near_name, link->near_mac);
}

int outbox_open(const struct wire_link* link, uint64_t hold) {
  wire = *link;
  hold_ns = hold;
  batch_address =
      (struct sockaddr_ll){.sll_family = AF_PACKET, .sll_ifindex = link->far_index, .sll_halen = 6, .sll_protocol = htons(ETH_P_IP)};
  memcpy(batch_address.sll_addr, link->near_mac, 6);
  for (unsigned i = 0; i < OUTBOX_BATCH_FRAMES; i++) {
    batch_parts[i].iov_base = batch[i];
    batch_messages[i].msg_hdr =
        (struct msghdr){.msg_name = &batch_address, .msg_namelen = sizeof(batch_address), .msg_iov = &batch_parts[i], .msg_iovlen = 1};
  }
  if (hold == 0) return 0;
  held = calloc(OUTBOX_HELD_FRAMES, sizeof(*held));
  return held == NULL ? -1 : 0;
}

static uint32_t sum_of(const void* data, size_t bytes, uint32_t sum) {
  const uint8_t* at = data;
  for (; bytes > 1; at += 2, bytes -= 2) sum += (uint32_t)at[0] << 8 | at[1];
  return bytes > 0 ? sum + ((uint32_t)at[0] << 8) : sum;
}

static uint16_t folded(uint32_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return htons((uint16_t)~sum);
}

static size_t put_ipv4(uint8_t* at, size_t tcp_bytes, uint32_t* pseudo_sum) {
  struct iphdr ip = {.version = 4, .ihl = 5, .ttl = TTL, .protocol = IPPROTO_TCP};
  ip.tot_len = htons((uint16_t)(sizeof(ip) + tcp_bytes));
  ip.frag_off = htons(0x4000);  // Don't fragment.
  memcpy(&ip.saddr, wire.far_address4, 4);
  memcpy(&ip.daddr, wire.near_address4, 4);
  ip.check = folded(sum_of(&ip, sizeof(ip), 0));
  memcpy(at, &ip, sizeof(ip));
  *pseudo_sum = sum_of(wire.near_address4, 4, sum_of(wire.far_address4, 4, 0));
  return sizeof(ip);
}

static size_t put_ipv6(uint8_t* at, size_t tcp_bytes, uint32_t* pseudo_sum) {
  struct ipv6hdr ip = {.version = 6, .nexthdr = IPPROTO_TCP, .hop_limit = TTL};
  ip.payload_len = htons((uint16_t)tcp_bytes);
  memcpy(&ip.saddr, wire.far_address6, 16);
  memcpy(&ip.daddr, wire.near_address6, 16);
  memcpy(at, &ip, sizeof(ip));
  *pseudo_sum = sum_of(wire.near_address6, 16, sum_of(wire.far_address6, 16, 0));
  return sizeof(ip);
}

/// @returns its bytes
static size_t build(const struct segment* segment, uint8_t* frame) {
  struct ethhdr ethernet = {.h_proto = htons(segment->family == 6 ? ETH_P_IPV6 : ETH_P_IP)};
  memcpy(ethernet.h_dest, wire.near_mac, 6);
  memcpy(ethernet.h_source, wire.far_mac, 6);
  memcpy(frame, &ethernet, sizeof(ethernet));
  size_t header_bytes = sizeof(struct tcphdr) + segment->options_bytes;
  size_t tcp_bytes = header_bytes + segment->payload_bytes;
  uint32_t sum;
  uint8_t* network = frame + sizeof(ethernet);
  uint8_t* at = network + (segment->family == 6 ? put_ipv6(network, tcp_bytes, &sum) : put_ipv4(network, tcp_bytes, &sum));
  struct tcphdr tcp = {.source = htons(segment->source_port),
                       .dest = htons(segment->destination_port),
                       .seq = htonl(segment->seq),
                       .ack_seq = htonl(segment->ack),
                       .doff = header_bytes / 4,
                       .fin = (segment->flags & WIRE_FIN) != 0,
                       .syn = (segment->flags & WIRE_SYN) != 0,
                       .rst = (segment->flags & WIRE_RST) != 0,
                       .ack = (segment->flags & WIRE_ACK) != 0,
                       .psh = segment->payload_bytes > 0,
                       .window = htons(segment->window)};
  memcpy(at, &tcp, sizeof(tcp));
  memcpy(at + sizeof(tcp), segment->options, segment->options_bytes);
  if (segment->payload_bytes > 0) memcpy(at + header_bytes, segment->payload, segment->payload_bytes);
  uint16_t check = folded(sum_of(at, tcp_bytes, sum + IPPROTO_TCP + (uint32_t)tcp_bytes));
  memcpy(at + offsetof(struct tcphdr, check), &check, sizeof(check));
  return (size_t)(at - frame) + tcp_bytes;
}

static void send_batch(void) {
  for (unsigned sent = 0; sent < batched;) {
    int result = sendmmsg(wire.socket, batch_messages + sent, batched - sent, 0);
    if (result > 0) {
      counted.frames += (unsigned)result;
      sent += (unsigned)result;
    } else if (errno != EINTR) {
      // A later acknowledgement covers a frame that is lost here, as on a cable.
      counted.failed++;
      sent++;
    }
  }
  batched = 0;
}

static void batch_frame(const uint8_t* frame, size_t bytes) {
  memcpy(batch[batched], frame, bytes);
  batch_parts[batched].iov_len = bytes;
  if (++batched == OUTBOX_BATCH_FRAMES) send_batch();
}

static void release_first(void) {
  const struct held_frame* first = &held[held_first];
  batch_frame(first->frame, first->bytes);
  held_first = (held_first + 1) % OUTBOX_HELD_FRAMES;
  held_count--;
}

void outbox_put(const struct segment* segment) {
  uint8_t frame[FRAME_MAX_BYTES];
  size_t bytes = build(segment, frame);
  // The queue has no place for a request, whose round trip is that of its answer.
  if (hold_ns == 0 || bytes > HELD_FRAME_BYTES) {
    batch_frame(frame, bytes);
    return;
  }
  if (held_count == OUTBOX_HELD_FRAMES) {
    counted.early++;
    release_first();
  }
  struct held_frame* last = &held[(held_first + held_count++) % OUTBOX_HELD_FRAMES];
  last->due_ns = clock_ns() + hold_ns;
  last->bytes = (uint16_t)bytes;
  memcpy(last->frame, frame, bytes);
}

void outbox_flush(uint64_t now_ns) {
  while (held_count > 0 && held[held_first].due_ns <= now_ns) release_first();
  if (batched > 0) send_batch();
}

uint64_t outbox_next_due_ns(void) { return held_count == 0 ? UINT64_MAX : held[held_first].due_ns; }

const struct outbox_counters* outbox_counted(void) { return &counted; }
