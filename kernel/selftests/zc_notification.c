// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of SCM_ZC_NOTIFICATION, in the format of kselftest.
 *
 * Exit status: 0 passed, 1 failed, 4 the kernel lacks the feature.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "zc_test.h"

#define EXIT_NO_FEATURE	4

/* Of one test; the signal ends the program. */
#define TEST_TIMEOUT_S	120

char test_data[TEST_BYTES];

static unsigned int tests_run;
static unsigned int tests_failed;
static unsigned int tests_skipped;

size_t receive_pending(const struct pair *p)
{
	static __thread char sink[65536];
	size_t bytes = 0;
	ssize_t n;

	while ((n = recv(p->rx, sink, sizeof(sink), MSG_DONTWAIT)) > 0)
		bytes += n;
	return bytes;
}

bool receive_sent(const struct pair *p, size_t bytes)
{
	char sink[4 * TEST_BYTES];

	if (p->stream)
		return recv(p->rx, sink, bytes, MSG_WAITALL) == (ssize_t)bytes;
	receive_pending(p);
	return true;
}

bool send_one(const struct pair *p, struct placeholder *ph)
{
	ssize_t n = send_collect(p->tx, test_data, sizeof(test_data),
				 MSG_ZEROCOPY, ph);

	return n == sizeof(test_data) && receive_sent(p, n);
}

static void run_one(const struct test *test, enum transport t, enum form form)
{
	const char *wrong = NULL;
	struct pair p;

	tests_run++;
	if (!pair_open(t, &p)) {
		tests_skipped++;
		printf("ok %u %s %s %s # SKIP no loopback transport\n",
		       tests_run, transport_name(t), form_name(form),
		       test->name);
		return;
	}
	alarm(TEST_TIMEOUT_S);
	wrong = test->run(&p, t, form);
	alarm(0);
	pair_close(&p);
	if (wrong)
		tests_failed++;
	printf("%sok %u %s %s %s\n", wrong ? "not " : "", tests_run,
	       transport_name(t), form_name(form), test->name);
	if (wrong)
		printf("# %s (errno %s)\n", wrong, strerror(errno));
	fflush(stdout);
}

static void run_table(const struct test *tests)
{
	for (const struct test *test = tests; test->name; test++)
		for (unsigned int t = 0; t < TRANSPORTS; t++)
			for (unsigned int form = 0; form < test->forms; form++)
				if (test->transports & ON(t))
					run_one(test, t, form);
}

static bool feature_present(void)
{
	struct placeholder ph;
	struct pair p;
	bool present;

	die_unless(pair_open(UDP4, &p), "udp4");
	placeholder_init(&ph, FORM_ALONE, 1);
	present = send_one(&p, &ph);
	pair_close(&p);
	return present;
}

/* The tests count on loopback copying, which releases memory at once. */
static bool loopback_copies(void)
{
	FILE *f = fopen("/proc/sys/net/core/zerocopy_loopback_rx", "r");
	int on = 0;

	if (!f)
		return true;
	if (fscanf(f, "%d", &on) != 1)
		on = 0;
	fclose(f);
	return !on;
}

static int end(void)
{
	printf("1..%u\n", tests_run);
	printf("# Totals: pass:%u fail:%u skip:%u\n",
	       tests_run - tests_failed - tests_skipped, tests_failed,
	       tests_skipped);
	return tests_failed != 0;
}

int main(void)
{
	const struct test * const tables[] = {
		delivery_tests, capacity_tests, refusal_tests, loss_tests,
		queue_tests, memory_tests, order_tests, wake_tests,
	};

	printf("TAP version 13\n# %zu-bit caller\n", 8 * sizeof(long));
	if (!loopback_copies()) {
		printf("Bail out! net.core.zerocopy_loopback_rx must be 0\n");
		return 1;
	}
	if (!feature_present()) {
		printf("Bail out! SCM_ZC_NOTIFICATION: %s\n", strerror(errno));
		return EXIT_NO_FEATURE;
	}
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		run_table(tables[i]);
	return end();
}
