// Frames of the peer: built here, held back for the round trip that was asked for, and put into the wire in batches.
#ifndef SENDZC_WIRE_FRAME_H
#define SENDZC_WIRE_FRAME_H

#include <stdbool.h>
#include <stdint.h>

/// Largest frame that the peer sends: headers with every option, and a request.
#define FRAME_MAX_BYTES 1500
#define FRAME_MAX_PAYLOAD_BYTES 1280
#define FRAME_MAX_OPTIONS_BYTES 40
/// Frames of one system call.
#define OUTBOX_BATCH_FRAMES 64
/// Frames that may be held back at once; one more goes out early, and is counted.
#define OUTBOX_HELD_FRAMES 65536

/// Where the wire is. The near end is the one that the measured program sends through.
struct wire_link {
  int socket;  ///< AF_PACKET, bound to no protocol: a tap would make the kernel copy what passes.
  int far_index;
  uint8_t near_mac[6];
  uint8_t far_mac[6];
  uint8_t near_address4[4];
  uint8_t far_address4[4];
  uint8_t near_address6[16];
  uint8_t far_address6[16];
};

/// A TCP segment of the peer. Ports in host order.
struct segment {
  uint8_t family;
  uint16_t source_port;
  uint16_t destination_port;
  uint32_t seq;
  uint32_t ack;
  uint16_t window;
  uint8_t flags;          ///< enum wire_flag.
  uint8_t options_bytes;  ///< A multiple of 4.
  uint8_t options[FRAME_MAX_OPTIONS_BYTES];
  const void* payload;
  uint32_t payload_bytes;
};

struct outbox_counters {
  uint64_t frames;
  uint64_t failed;  ///< Frames that the kernel refused.
  uint64_t early;   ///< Frames that went before their time, since too many were held back.
};

/// @returns 0, or -1 with errno and *what set to the step that failed
int link_open(struct wire_link* link, const char* near_name, const char* far_name, const char** what);

/// @param hold_ns how long each frame is held back
int outbox_open(const struct wire_link* link, uint64_t hold_ns);
void outbox_put(const struct segment* segment);
/// Sends what is due, and all of it where nothing is held back.
void outbox_flush(uint64_t now_ns);
/// @returns when the next frame is due, or UINT64_MAX
uint64_t outbox_next_due_ns(void);
const struct outbox_counters* outbox_counted(void);

uint64_t clock_ns(void);

#endif
