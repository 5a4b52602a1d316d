// Classifier on the egress of the wire: reads the headers of each packet, counts it, reports it to the peer, and steals it. The kernel
// frees a stolen packet as a device frees one that it has sent, so that the notification of its memory is a true one.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "wire_event.h"

#define HASH_CHUNK_BYTES 128
#define MAX_PACKET_BYTES (1u << 20)
#define FRAGMENT_OFFSET_MASK 0x1fff
#define FRAGMENT_UNIT_SHIFT 3
#define TIMESTAMP_OPTION 0x0101080au  // NOP, NOP, kind 8, length 10: as Linux writes it (RFC 7323, appendix A).

char licence_text[] SEC("license") = "Dual MIT/GPL";

/// Set by the peer before it loads the program.
const volatile __u32 hash_payloads = 0;

/// Set by the peer while it looks at the ring by itself. A wake-up is two interrupts between CPUs, which a virtual machine pays for by
/// leaving the guest: they would be half of the sender's time.
volatile __u32 peer_looks = 0;

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, WIRE_RING_BYTES);
} events SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, WIRE_PROTOCOLS);
  __type(key, __u32);
  __type(value, struct wire_counter);
} counters SEC(".maps");

struct place {
  __u32 offset;  ///< Of the transport header; of the payload in a fragment that has none.
  __u8 family;
  __u8 protocol;
  __u8 later_fragment;
};

struct hashing {
  struct __sk_buff* packet;
  __u64 hash;
  __u32 offset;
};

static __always_inline void count(__u32 protocol, struct __sk_buff* packet, __u32 payload_bytes, int dropped) {
  struct wire_counter* counter = bpf_map_lookup_elem(&counters, &protocol);
  if (!counter) return;
  counter->packets++;
  counter->segments += packet->gso_segs ? packet->gso_segs : 1;
  counter->payload_bytes += payload_bytes;
  counter->dropped += dropped;
}

static __always_inline int find_ipv4(struct __sk_buff* packet, struct place* place) {
  struct iphdr ip;
  if (bpf_skb_load_bytes(packet, ETH_HLEN, &ip, sizeof(ip))) return -1;
  place->family = 4;
  place->protocol = ip.protocol;
  place->later_fragment = (bpf_ntohs(ip.frag_off) & FRAGMENT_OFFSET_MASK) != 0;
  place->offset = ETH_HLEN + ip.ihl * 4;
  return 0;
}

static __always_inline int find_ipv6(struct __sk_buff* packet, struct place* place) {
  struct ipv6hdr ip;
  if (bpf_skb_load_bytes(packet, ETH_HLEN, &ip, sizeof(ip))) return -1;
  place->family = 6;
  place->protocol = ip.nexthdr;
  place->later_fragment = 0;
  place->offset = ETH_HLEN + sizeof(ip);
  if (ip.nexthdr != IPPROTO_FRAGMENT) return 0;
  struct {
    __u8 next;
    __u8 reserved;
    __be16 offset_and_flags;
    __be32 id;
  } fragment;
  if (bpf_skb_load_bytes(packet, place->offset, &fragment, sizeof(fragment))) return -1;
  place->protocol = fragment.next;
  place->later_fragment = (bpf_ntohs(fragment.offset_and_flags) >> FRAGMENT_UNIT_SHIFT) != 0;
  place->offset += sizeof(fragment);
  return 0;
}

static long hash_chunk(__u32 index, void* context) {
  struct hashing* state = context;
  __u8 bytes[HASH_CHUNK_BYTES];
  if (bpf_skb_load_bytes(state->packet, state->offset, bytes, sizeof(bytes))) return 1;
  __u64 hash = state->hash;
  for (int i = 0; i < HASH_CHUNK_BYTES; i++) hash = (hash ^ bytes[i]) * WIRE_HASH_PRIME;
  state->hash = hash;
  state->offset += HASH_CHUNK_BYTES;
  return 0;
}

static long hash_byte(__u32 index, void* context) {
  struct hashing* state = context;
  __u8 byte;
  if (bpf_skb_load_bytes(state->packet, state->offset, &byte, sizeof(byte))) return 1;
  state->hash = (state->hash ^ byte) * WIRE_HASH_PRIME;
  state->offset++;
  return 0;
}

static __always_inline __u64 hash_of(struct __sk_buff* packet, __u32 offset, __u32 bytes) {
  struct hashing state = {.packet = packet, .hash = WIRE_HASH_BASIS, .offset = offset};
  bpf_loop(bytes / HASH_CHUNK_BYTES, hash_chunk, &state, 0);
  bpf_loop(bytes % HASH_CHUNK_BYTES, hash_byte, &state, 0);
  return state.hash;
}

/// @returns 0, or -1 when the options are not there to be read.
static __always_inline int read_options(struct __sk_buff* packet, __u32 offset, __u32 bytes, struct wire_event* event) {
  event->options_bytes = 0;
  event->has_timestamp = 0;
  event->timestamp = 0;
  if (event->flags & WIRE_SYN) {
    // Byte by byte: the verifier knows the place of each byte, and would not know the length of all.
    for (__u32 i = 0; i < WIRE_MAX_TCP_OPTIONS_BYTES; i++) {
      if (i < bytes && bpf_skb_load_bytes(packet, offset + i, &event->options[i], 1)) return -1;
    }
    event->options_bytes = bytes > WIRE_MAX_TCP_OPTIONS_BYTES ? WIRE_MAX_TCP_OPTIONS_BYTES : bytes;
    return 0;
  }
  __be32 words[2];
  if (bytes < sizeof(words) || bpf_skb_load_bytes(packet, offset, words, sizeof(words))) return 0;
  if (words[0] != bpf_htonl(TIMESTAMP_OPTION)) return 0;
  event->has_timestamp = 1;
  event->timestamp = bpf_ntohl(words[1]);
  return 0;
}

static __always_inline int on_tcp(struct __sk_buff* packet, const struct place* place) {
  struct tcphdr tcp;
  if (bpf_skb_load_bytes(packet, place->offset, &tcp, sizeof(tcp))) return TC_ACT_SHOT;
  __u32 header_bytes = tcp.doff * 4;
  if (header_bytes < sizeof(tcp) || place->offset + header_bytes > packet->len) return TC_ACT_SHOT;
  __u32 payload_offset = place->offset + header_bytes;
  __u32 payload_bytes = packet->len - payload_offset;
  if (payload_bytes > MAX_PACKET_BYTES) return TC_ACT_SHOT;
  struct wire_event* event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event) {
    count(WIRE_TCP, packet, payload_bytes, 1);
    return TC_ACT_SHOT;
  }
  event->family = place->family;
  event->source_port = bpf_ntohs(tcp.source);
  event->destination_port = bpf_ntohs(tcp.dest);
  event->seq = bpf_ntohl(tcp.seq);
  event->ack = bpf_ntohl(tcp.ack_seq);
  event->payload_bytes = payload_bytes;
  event->segments = packet->gso_segs ? packet->gso_segs : 1;
  event->flags = tcp.fin | tcp.syn << 1 | tcp.rst << 2 | tcp.ack << 4;
  if (read_options(packet, place->offset + sizeof(tcp), header_bytes - sizeof(tcp), event)) {
    bpf_ringbuf_discard(event, 0);
    return TC_ACT_SHOT;
  }
  event->payload_hash = hash_payloads && payload_bytes > 0 ? hash_of(packet, payload_offset, payload_bytes) : 0;
  bpf_ringbuf_submit(event, peer_looks ? BPF_RB_NO_WAKEUP : 0);
  count(WIRE_TCP, packet, payload_bytes, 0);
  return TC_ACT_STOLEN;
}

SEC("tc")
int wire(struct __sk_buff* packet) {
  struct place place = {};
  int missing = -1;
  if (packet->protocol == bpf_htons(ETH_P_IP)) missing = find_ipv4(packet, &place);
  if (packet->protocol == bpf_htons(ETH_P_IPV6)) missing = find_ipv6(packet, &place);
  if (!missing && place.protocol == IPPROTO_TCP && !place.later_fragment) return on_tcp(packet, &place);
  if (!missing && place.protocol == IPPROTO_UDP) {
    __u32 header_bytes = place.offset + (place.later_fragment ? 0 : sizeof(struct udphdr));
    count(WIRE_UDP, packet, packet->len > header_bytes ? packet->len - header_bytes : 0, 0);
    return TC_ACT_STOLEN;
  }
  // Nobody is at the other end, so announcements of neighbours and routers end here too.
  count(WIRE_OTHER, packet, 0, 0);
  return TC_ACT_STOLEN;
}
