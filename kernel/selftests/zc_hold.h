/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Datagrams whose memory is held for as long as a test likes. One to a
 * neighbour whose address nobody tells waits, uncopied, until the device goes:
 * its notification comes then, and says zerocopy. One to the loopback device is
 * copied at once.
 */
#ifndef ZC_HOLD_H
#define ZC_HOLD_H

#include <stdbool.h>

/* A device of number @n, 0 to 9. Closing it lets go of what it holds. */
int hold_open(int n);

/* Sends a datagram with MSG_ZEROCOPY that the device @n holds. */
bool send_held(int fd, int n, void *control, unsigned int control_bytes);

#endif /* ZC_HOLD_H */
