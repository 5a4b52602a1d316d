// SPDX-License-Identifier: GPL-2.0
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zc_throughput.h"
#include "zc_uapi.h"

const char * const mode_names[MODES] = {
	"classic", "mmsg", "never", "inline", "uring", "none",
};

struct throughput_options cfg = {
	.family = AF_INET, .mode = CLASSIC, .interval = 1, .seconds = 4,
	.port = 8000, .sender_cpu = -1, .receiver_cpu = -1,
};

static enum mode parse_mode(const char *text)
{
	for (int i = 0; i < MODES; i++)
		if (!strcmp(text, mode_names[i]))
			return i;
	fprintf(stderr, "no such mode: %s\n", text);
	exit(2);
}

static void usage(void)
{
	fprintf(stderr,
		"usage: zc_throughput [-4|-6] [-l INTERVAL] [-s BYTES]\n"
		"       [-t SECONDS|-n SENDS] [-c CAPACITY] [-p PORT]\n"
		"       [-z classic|mmsg|never|inline|uring|none]\n"
		"       [-C SENDER_CPU] [-R RECEIVER_CPU] [-A CONGESTION_CONTROL]\n"
		"       [-r | -D ADDRESS] tcp|udp\n");
	exit(2);
}

void parse_options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "46l:s:t:n:z:c:p:rD:C:R:A:")) != -1) {
		switch (c) {
		case '4':
			cfg.family = AF_INET;
			break;
		case '6':
			cfg.family = AF_INET6;
			break;
		case 'l':
			cfg.interval = strtoul(optarg, NULL, 0);
			break;
		case 's':
			cfg.bytes = strtoul(optarg, NULL, 0);
			break;
		case 't':
			cfg.seconds = strtod(optarg, NULL);
			break;
		case 'n':
			cfg.sends = strtoul(optarg, NULL, 0);
			break;
		case 'z':
			cfg.mode = parse_mode(optarg);
			break;
		case 'c':
			cfg.capacity = strtoul(optarg, NULL, 0);
			break;
		case 'p':
			cfg.port = strtoul(optarg, NULL, 0);
			break;
		case 'r':
			cfg.receive_only = true;
			break;
		case 'C':
			cfg.sender_cpu = strtol(optarg, NULL, 0);
			break;
		case 'R':
			cfg.receiver_cpu = strtol(optarg, NULL, 0);
			break;
		case 'A':
			cfg.congestion = optarg;
			break;
		case 'D':
			cfg.destination = optarg;
			break;
		default:
			usage();
		}
	}
	if (optind != argc - 1 || !cfg.interval)
		usage();
	if (!strcmp(argv[optind], "tcp"))
		cfg.type = SOCK_STREAM;
	else if (!strcmp(argv[optind], "udp"))
		cfg.type = SOCK_DGRAM;
	else
		usage();
	/* The largest datagram, less the options an address may bring. */
	if (!cfg.bytes)
		cfg.bytes = cfg.type == SOCK_STREAM ? 65536 : 65000;
	if (!cfg.capacity)
		cfg.capacity = cfg.interval < 32 ? cfg.interval : 32;
	if (cfg.capacity > ZC_TAKE_MAX)
		cfg.capacity = ZC_TAKE_MAX;
}
