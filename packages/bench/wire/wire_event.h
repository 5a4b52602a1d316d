// The classifier's report to the peer. The BPF program and the peer include it, and share no other header.
#ifndef SENDZC_WIRE_EVENT_H
#define SENDZC_WIRE_EVENT_H

#include <linux/types.h>

#define WIRE_RING_BYTES (16u << 20)
#define WIRE_MAX_TCP_OPTIONS_BYTES 40

enum wire_flag { WIRE_FIN = 1, WIRE_SYN = 2, WIRE_RST = 4, WIRE_ACK = 16 };

/// One TCP packet that left, which GSO has not cut yet: numbers in host order.
struct wire_event {
  __u64 payload_hash;  ///< FNV-1a of the payload, where the peer asked for it; else 0.
  __u32 seq;
  __u32 ack;
  __u32 payload_bytes;
  __u32 segments;  ///< Into how many GSO would cut it, 1 at least.
  __u32 timestamp;
  __u16 source_port;
  __u16 destination_port;
  __u8 family;  ///< 4 or 6.
  __u8 flags;   ///< Of the TCP header, see enum wire_flag.
  __u8 has_timestamp;
  __u8 options_bytes;  ///< Of the SYN; 0 in every other packet.
  __u8 options[WIRE_MAX_TCP_OPTIONS_BYTES];
};

/// Indices of struct wire_counter, one for each CPU.
enum wire_protocol { WIRE_TCP, WIRE_UDP, WIRE_OTHER, WIRE_PROTOCOLS };

/// What left of one protocol since the classifier was loaded.
struct wire_counter {
  __u64 packets;   ///< As the device would have got them, GSO included.
  __u64 segments;  ///< As they would have been on a cable.
  __u64 payload_bytes;
  __u64 dropped;  ///< Packets that the ring had no room for: the peer never heard of them.
};

/// FNV-1a, 64 bits (draft-eastlake-fnv).
#define WIRE_HASH_BASIS 0xcbf29ce484222325ull
#define WIRE_HASH_PRIME 0x100000001b3ull

#endif
