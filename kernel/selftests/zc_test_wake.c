// SPDX-License-Identifier: GPL-2.0
/*
 * Who is told of a notification. Each report of an error of the socket is a
 * signal here, which is counted rather than handled.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "zc_hold.h"
#include "zc_test.h"

#define SENDS	20

static bool watch(const struct pair *p, int value)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	return !sigprocmask(SIG_BLOCK, &set, NULL) &&
	       !setsockopt(p->tx, SOL_SOCKET, SO_ZEROCOPY, &value,
			   sizeof(value)) &&
	       !fcntl(p->tx, F_SETSIG, SIGRTMIN) &&
	       !fcntl(p->tx, F_SETOWN, getpid()) &&
	       !fcntl(p->tx, F_SETFL, O_ASYNC);
}

/* Reports since the last call. */
static int reports(void)
{
	struct timespec none = { 0 };
	siginfo_t info;
	sigset_t set;
	int errors = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	while (sigtimedwait(&set, &info, &none) == SIGRTMIN)
		if (info.si_code == POLL_ERR)
			errors++;
	return errors;
}

static const char *each_is_reported(const struct pair *p, enum transport t,
				    enum form form)
{
	struct placeholder ph;

	REQUIRE(watch(p, 1));
	placeholder_init(&ph, form, 1);
	for (int i = 0; i < SENDS; i++) {
		REQUIRE(send_one(p, &ph));
		REQUIRE(ph.info->count == 1);
		REQUIRE(reports() == 1);
	}
	return NULL;
}

static const char *collected_is_not_reported(const struct pair *p,
					     enum transport t, enum form form)
{
	struct placeholder ph;

	REQUIRE(watch(p, 1 | ZC_QUIET));
	placeholder_init(&ph, form, 1);
	for (int i = 0; i < SENDS; i++) {
		REQUIRE(send_one(p, &ph));
		REQUIRE(ph.info->count == 1);
		REQUIRE(reports() == 0);
	}
	return NULL;
}

static const char *rest_is_reported(const struct pair *p, enum transport t,
				    enum form form)
{
	struct placeholder ph;
	struct unwritable u;

	REQUIRE(watch(p, 1 | ZC_QUIET));
	placeholder_init(&ph, form, 0);
	REQUIRE(send_one(p, &ph));
	REQUIRE(reports() == 1);

	/* Taken, and put back. */
	unwritable_init(&u, form, 1, sizeof(struct zc_info));
	REQUIRE(send_unwritable(p->tx, test_data, 1, 0, &u) == 1);
	REQUIRE(reports() >= 1);
	unwritable_free(&u);
	return NULL;
}

/* Without a placeholder; after calls that failed with one, or were refused. */
static const char *others_are_reported(const struct pair *p, enum transport t,
				       enum form form)
{
	static char large[70000];
	struct placeholder ph, second;

	REQUIRE(watch(p, 1 | ZC_QUIET));
	REQUIRE(send_one(p, NULL));
	REQUIRE(reports() == 1);
	placeholder_init(&ph, form, 1);
	REQUIRE(send_one(p, &ph) && ph.info->count == 1);
	REQUIRE(send_collect(p->tx, large, sizeof(large), MSG_ZEROCOPY,
			     &ph) < 0);
	REQUIRE(errno == EMSGSIZE && reports() == 0);
	REQUIRE(send_one(p, NULL));
	REQUIRE(reports() == 1);

	placeholder_init(&second, FORM_ALONE, 1);
	memcpy((char *)ph.control + ph.control_bytes, second.control,
	       second.control_bytes);
	ph.control_bytes += second.control_bytes;
	REQUIRE(send_collect(p->tx, test_data, 1, 0, &ph) < 0);
	REQUIRE(errno == EINVAL);
	reports();
	REQUIRE(send_one(p, NULL));
	REQUIRE(reports() == 1);
	return NULL;
}

static const char *later_is_reported(const struct pair *p, enum transport t,
				     enum form form)
{
	struct placeholder ph;
	int hold = hold_open(0);

	REQUIRE(watch(p, 1 | ZC_QUIET));
	placeholder_init(&ph, form, 1);
	REQUIRE(send_held(p->tx, 0, ph.control, ph.control_bytes));
	REQUIRE(ph.info->count == 0 && reports() == 0);
	close(hold);
	REQUIRE(error_queue_wait(p->tx, 5000));
	REQUIRE(reports() == 1);
	return NULL;
}

static const char *option_values(const struct pair *p, enum transport t,
				 enum form form)
{
	static const int refused[] = { -1, ZC_QUIET, 4, 5, 7 };
	static const int taken[] = { 1 | ZC_QUIET, 1, 0 };
	socklen_t len = sizeof(int);
	int value;

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		set_zerocopy(p->tx, taken[i]);
		for (size_t j = 0;
		     j < sizeof(refused) / sizeof(refused[0]); j++)
			REQUIRE(setsockopt(p->tx, SOL_SOCKET, SO_ZEROCOPY,
					   &refused[j], sizeof(int)) &&
				errno == EINVAL);
		REQUIRE(!getsockopt(p->tx, SOL_SOCKET, SO_ZEROCOPY, &value,
				    &len));
		REQUIRE(value == taken[i]);
	}
	return NULL;
}

const struct test wake_tests[] = {
	{ "wake: each is reported", each_is_reported, ON_UDP, 2 },
	{ "quiet: collected is not reported", collected_is_not_reported,
	  ON_UDP, 2 },
	{ "quiet: the rest is reported", rest_is_reported, ON_UDP, 2 },
	{ "quiet: others are reported", others_are_reported, ON_UDP, 2 },
	{ "quiet: later is reported", later_is_reported, ON(UDP4), 2 },
	{ "quiet: values of the option", option_values, ON_INET, 1 },
	{ 0 }
};
