# SPDX-License-Identifier: GPL-2.0

top_srcdir := ../../../../..

CFLAGS += -O2 -g -std=gnu11 -Wall -Wextra -Wno-unused-parameter
CFLAGS += -Wno-missing-field-initializers -fno-strict-aliasing -pthread
CFLAGS += $(KHDR_INCLUDES)
LDLIBS += -pthread

TEST_GEN_PROGS := zc_notification
TEST_GEN_FILES := zc_throughput zc_plain_throughput

include ../../lib.mk

TESTS := zc_notification.c zc_test_delivery.c zc_test_capacity.c \
	 zc_test_refusal.c zc_test_loss.c zc_test_queue.c zc_test_memory.c \
	 zc_test_order.c zc_test_wake.c zc_hold.c zc_socket.c zc_collect.c
THROUGHPUT := zc_throughput.c zc_throughput_options.c zc_throughput_peer.c \
	      zc_throughput_uring.c zc_socket.c
PLAIN := zc_plain_throughput.c zc_socket.c

$(OUTPUT)/zc_notification: $(TESTS)
$(OUTPUT)/zc_throughput: $(THROUGHPUT)
$(OUTPUT)/zc_plain_throughput: $(PLAIN)
