// The other end of the wire: loads the classifier, hears of every packet that it steals, and answers as a TCP receiver would.
// Ends with its standard input. A line on it is a question:
//   stats                                                        answered by one line of JSON
//   connect FAMILY PORT CONNECTIONS RESPONSE_BYTES RATE HEX      becomes a client; HEX is the request; answered by {"connecting":true}
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "wire_classifier.h"
#include "wire_frame.h"
#include "wire_tcp.h"

#define MAX_LINE_BYTES 4096
/// An empty look that took longer was interrupted, in ns: the processor did something else, and the peer has no time of it to give back.
#define LONGEST_LOOK_NS 20000u
/// How long the peer goes on looking after the last packet, in ns: longer than a sender that is busy pauses.
#define LOOK_NS 200000u
/// Looks after that, and the time between two, in ns: a packet that was under way when the peer stopped looking woke nobody.
#define RECHECKS 10
#define RECHECK_NS 1000000u
#define STATUS_FAILED 1
#define STATUS_USAGE 2

struct peer_options {
  const char* object;
  const char* near;
  const char* far;
  uint64_t hold_us;
  uint64_t seed;
  struct tcp_options tcp;
};

static volatile sig_atomic_t ended;
/// Time spent on looking where there was nothing, in ns.
static uint64_t idle_ns;
static char request[FRAME_MAX_PAYLOAD_BYTES];

static void on_signal(int signal) {
  (void)signal;
  ended = 1;
}

static int fail(const char* what, int error) {
  fprintf(stderr, "{\"failed\":\"%s\",\"errno\":%d,\"message\":\"%s\"}\n", what, error, strerror(error));
  return STATUS_FAILED;
}

static void print_client(void) {
  const struct client_counters* client = client_counted();
  uint64_t seen = 0;
  double p50 = 0, p99 = 0;
  for (unsigned i = 0; i < CLIENT_LATENCY_BUCKETS && client->responses > 0; i++) {
    seen += client->latency_count[i];
    if (p50 == 0 && seen * 100 >= client->responses * 50) p50 = client_bucket_us(i);
    if (p99 == 0 && seen * 100 >= client->responses * 99) p99 = client_bucket_us(i);
  }
  printf("\"client\":{\"connected\":%lu,\"failed\":%lu,\"requests\":%lu,\"responses\":%lu,\"late\":%lu,\"p50Us\":%.1f,\"p99Us\":%.1f},",
         client->connected, client->failed, client->requests, client->responses, client->late, p50, p99);
}

static void print_stats(void) {
  struct wire_counter counters[WIRE_PROTOCOLS];
  struct rusage usage;
  const struct tcp_counters* tcp = tcp_counted();
  const struct outbox_counters* outbox = outbox_counted();
  classifier_counted(counters);
  getrusage(RUSAGE_SELF, &usage);
  uint64_t cpu_us = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000u + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
  uint64_t idle_us = idle_ns / 1000u;
  printf("{\"atUs\":%lu,\"cpuUs\":%lu,", clock_ns() / 1000u, cpu_us > idle_us ? cpu_us - idle_us : 0);
  static const char* const names[WIRE_PROTOCOLS] = {"tcp", "udp", "other"};
  for (int i = 0; i < WIRE_PROTOCOLS; i++)
    printf("\"%s\":{\"packets\":%llu,\"segments\":%llu,\"payloadBytes\":%llu,\"dropped\":%llu},", names[i], counters[i].packets,
           counters[i].segments, counters[i].payload_bytes, counters[i].dropped);
  printf("\"peer\":{\"events\":%lu,\"opened\":%lu,\"refused\":%lu,\"resets\":%lu,\"finished\":%lu,\"strays\":%lu,", tcp->events,
         tcp->opened, tcp->refused, tcp->resets, tcp->finished, tcp->strays);
  printf("\"newBytes\":%lu,\"resentBytes\":%lu,\"lostSegments\":%lu,\"acks\":%lu,", tcp->new_bytes, tcp->resent_bytes, tcp->lost_segments,
         tcp->acks);
  printf("\"hashedPackets\":%lu,\"changedPackets\":%lu,\"changedResent\":%lu},", tcp->hashed_packets, tcp->changed_packets,
         tcp->changed_resent);
  print_client();
  printf("\"frames\":{\"sent\":%lu,\"failed\":%lu,\"early\":%lu}}\n", outbox->frames, outbox->failed, outbox->early);
}

static bool read_hex(const char* hex, struct client_options* client) {
  client->request = request;
  client->request_bytes = 0;
  for (unsigned byte; hex[0] != 0 && hex[1] != 0 && client->request_bytes < sizeof(request); hex += 2) {
    if (sscanf(hex, "%2x", &byte) != 1) return false;
    request[client->request_bytes++] = (char)byte;
  }
  return client->request_bytes > 0 && hex[0] == 0;
}

static void on_line(const char* line) {
  struct client_options client = {0};
  char hex[MAX_LINE_BYTES];
  unsigned family, port;
  if (strcmp(line, "stats") == 0) {
    print_stats();
  } else if (sscanf(line, "connect %u %u %u %u %lf %4095s", &family, &port, &client.connections, &client.response_bytes,
                    &client.rate_per_second, hex) == 6 &&
             read_hex(hex, &client)) {
    client.family = (uint8_t)family;
    client.port = (uint16_t)port;
    printf("{\"connecting\":%s}\n", client_start(&client, clock_ns()) ? "true" : "false");
  } else {
    printf("{\"unknown\":true}\n");
  }
  fflush(stdout);
}

/// @returns false at the end of the input
static bool read_questions(void) {
  static char buffer[MAX_LINE_BYTES];
  static size_t used;
  ssize_t got = read(STDIN_FILENO, buffer + used, sizeof(buffer) - 1 - used);
  if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) return false;
  if (got > 0) used += (size_t)got;
  buffer[used] = 0;
  char* begin = buffer;
  for (char* end; (end = strchr(begin, '\n')) != NULL; begin = end + 1) {
    *end = 0;
    on_line(begin);
  }
  used -= (size_t)(begin - buffer);
  memmove(buffer, begin, used);
  return used < sizeof(buffer) - 1;
}

/// Hands on what has left, and sends what is due. @returns events handed on
static int look(void) {
  int events, all = 0;
  do {
    events = classifier_consume(tcp_on_event);
    all += events;
    tcp_acknowledge();
    uint64_t now_ns = clock_ns();
    client_tick(now_ns);
    outbox_flush(now_ns);
    // Questions wait until everything that left before them is read.
  } while (events == CLASSIFIER_MAX_EVENTS && !ended);
  return all;
}

static uint64_t due_in_ns(void) {
  uint64_t due_ns = outbox_next_due_ns();
  if (client_next_due_ns() < due_ns) due_ns = client_next_due_ns();
  uint64_t now_ns = clock_ns();
  return due_ns == UINT64_MAX ? UINT64_MAX : due_ns > now_ns ? due_ns - now_ns : 0;
}

/// Looks again and again until nothing has left for a while, so that what leaves in that time wakes nobody.
static void look_while_busy(void) {
  classifier_announce(true);
  uint64_t last_ns = clock_ns();
  for (uint64_t now_ns = last_ns; now_ns - last_ns < LOOK_NS && !ended;) {
    uint64_t before_ns = now_ns;
    int events = look();
    now_ns = clock_ns();
    if (events > 0)
      last_ns = now_ns;
    else if (now_ns - before_ns < LONGEST_LOOK_NS)
      idle_ns += now_ns - before_ns;
  }
  classifier_announce(false);
  look();
}

static int serve(void) {
  struct pollfd sources[] = {{.fd = classifier_fd(), .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
  int rechecks = 0;
  while (!ended) {
    uint64_t wait_ns = due_in_ns();
    if (rechecks > 0 && wait_ns > RECHECK_NS) wait_ns = RECHECK_NS;
    struct timespec wait = {.tv_sec = (time_t)(wait_ns / 1000000000u), .tv_nsec = (long)(wait_ns % 1000000000u)};
    if (ppoll(sources, 2, wait_ns == UINT64_MAX ? NULL : &wait, NULL) < 0 && errno != EINTR) return fail("ppoll", errno);
    if (rechecks > 0) rechecks--;
    if (look() > 0) {
      look_while_busy();
      rechecks = RECHECKS;
    }
    if (poll(&sources[1], 1, 0) > 0 && !read_questions()) return 0;
  }
  return 0;
}

static const struct option long_options[] = {{"object", required_argument, NULL, 'o'},
                                             {"near", required_argument, NULL, 'n'},
                                             {"far", required_argument, NULL, 'f'},
                                             {"rtt-us", required_argument, NULL, 'r'},
                                             {"loss", required_argument, NULL, 'l'},
                                             {"ack-every", required_argument, NULL, 'a'},
                                             {"window", required_argument, NULL, 'w'},
                                             {"mss4", required_argument, NULL, '4'},
                                             {"mss6", required_argument, NULL, '6'},
                                             {"verify", required_argument, NULL, 'v'},
                                             {"seed", required_argument, NULL, 's'},
                                             {"near4", required_argument, NULL, 'A'},
                                             {"far4", required_argument, NULL, 'B'},
                                             {"near6", required_argument, NULL, 'C'},
                                             {"far6", required_argument, NULL, 'D'},
                                             {"cpu", required_argument, NULL, 'c'},
                                             {NULL, 0, NULL, 0}};

/// @returns false where the process may not run there
static bool pin(const char* text) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(strtoul(text, NULL, 10) % CPU_SETSIZE, &cpus);
  return sched_setaffinity(0, sizeof(cpus), &cpus) == 0;
}

/// @returns false for an option that says nothing
static bool read_option(int option, const char* text, struct peer_options* options, struct wire_link* link) {
  switch (option) {
    case 'o':
      options->object = text;
      return true;
    case 'n':
      options->near = text;
      return true;
    case 'f':
      options->far = text;
      return true;
    case 'r':
      options->hold_us = strtoull(text, NULL, 10);
      return true;
    case 'l':
      options->tcp.loss = strtod(text, NULL);
      return true;
    case 'a':
      options->tcp.ack_every = (uint32_t)strtoul(text, NULL, 10);
      return true;
    case 'w':
      options->tcp.window_bytes = (uint32_t)strtoul(text, NULL, 10);
      return true;
    case '4':
      options->tcp.mss_bytes4 = (uint16_t)strtoul(text, NULL, 10);
      return true;
    case '6':
      options->tcp.mss_bytes6 = (uint16_t)strtoul(text, NULL, 10);
      return true;
    case 'v':
      options->tcp.verify = true;
      options->tcp.pattern_seed = strtoull(text, NULL, 10);
      return true;
    case 'c':
      return pin(text);
    case 's':
      options->seed = strtoull(text, NULL, 10);
      return true;
    case 'A':
      return inet_pton(AF_INET, text, link->near_address4) == 1;
    case 'B':
      return inet_pton(AF_INET, text, link->far_address4) == 1;
    case 'C':
      return inet_pton(AF_INET6, text, link->near_address6) == 1;
    case 'D':
      return inet_pton(AF_INET6, text, link->far_address6) == 1;
    default:
      return false;
  }
}

// Runs the peer as a device's interrupt runs: it does not wait for other programs to have their turn. Where the system refuses that, it
// waits.
static void run_as_interrupt(void) {
  struct sched_param priority = {.sched_priority = sched_get_priority_min(SCHED_RR)};
  sched_setscheduler(0, SCHED_RR, &priority);
}

int main(int count, char** arguments) {
  struct peer_options options = {0};
  struct wire_link link = {0};
  for (int option; (option = getopt_long(count, arguments, "", long_options, NULL)) != -1;)
    if (!read_option(option, optarg, &options, &link)) return STATUS_USAGE;
  if (options.object == NULL || options.near == NULL || options.far == NULL) return STATUS_USAGE;
  struct sigaction on_end = {.sa_handler = on_signal};
  sigaction(SIGTERM, &on_end, NULL);
  // Ctrl-C is for the measured program; the peer ends with its input.
  signal(SIGINT, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
  run_as_interrupt();
  const char* what = NULL;
  if (link_open(&link, options.near, options.far, &what)) return fail(what, errno);
  if (outbox_open(&link, options.hold_us * 1000u)) return fail("calloc", errno);
  int error = classifier_open(options.object, options.near, options.tcp.verify, &what);
  if (error != 0) return fail(what, -error);
  tcp_start(&options.tcp, options.seed);
  printf("{\"ready\":true}\n");
  fflush(stdout);
  return serve();
}
