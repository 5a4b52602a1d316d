#include "wire_classifier.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct bpf_object* object;
static struct ring_buffer* ring;
static int events_fd;
static int counters_fd;
static void (*receiver)(const struct wire_event*);
static int received;
static volatile uint32_t* peer_looks;

static int on_sample(void* context, void* data, size_t bytes) {
  (void)context;
  if (bytes >= sizeof(struct wire_event)) receiver(data);
  // A negative answer ends the reading after this event.
  return ++received < CLASSIFIER_MAX_EVENTS ? 0 : -EAGAIN;
}

static int quiet(enum libbpf_print_level level, const char* format, va_list arguments) {
  (void)level, (void)format, (void)arguments;
  return 0;
}

/// @returns the map of the program's variables of a section; NULL where there is none
static struct bpf_map* section(const char* name) {
  struct bpf_map* map;
  bpf_object__for_each_map(map, object) if (strstr(bpf_map__name(map), name) != NULL) return map;
  return NULL;
}

static int set_hashing(bool hash_payloads) {
  struct bpf_map* map = section(".rodata");
  if (map == NULL) return -ENOENT;
  uint32_t value = hash_payloads;
  size_t bytes = 0;
  if (bpf_map__initial_value(map, &bytes) == NULL || bytes != sizeof(value)) return -EINVAL;
  return bpf_map__set_initial_value(map, &value, sizeof(value));
}

static int map_variables(void) {
  struct bpf_map* map = section(".bss");
  if (map == NULL) return -ENOENT;
  void* page = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
  if (page == MAP_FAILED) return -errno;
  peer_looks = page;
  return 0;
}

static int attach(const char* near_name, const char** what) {
  struct bpf_program* program = bpf_object__find_program_by_name(object, "wire");
  LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)if_nametoindex(near_name), .attach_point = BPF_TC_EGRESS);
  LIBBPF_OPTS(bpf_tc_opts, how, .prog_fd = bpf_program__fd(program));
  *what = "clsact";
  int error = bpf_tc_hook_create(&hook);
  if (error != 0 && error != -EEXIST) return error;
  *what = "attaching the classifier";
  return bpf_tc_attach(&hook, &how);
}

int classifier_open(const char* object_path, const char* near_name, bool hash_payloads, const char** what) {
  libbpf_set_print(quiet);
  *what = "opening the BPF object";
  object = bpf_object__open(object_path);
  if (object == NULL) return -errno;
  *what = "reading the BPF object";
  int error = set_hashing(hash_payloads);
  if (error != 0) return error;
  struct bpf_program* program = bpf_object__find_program_by_name(object, "wire");
  if (program == NULL) return -ENOENT;
  bpf_program__set_type(program, BPF_PROG_TYPE_SCHED_CLS);
  *what = "bpf(BPF_PROG_LOAD)";
  error = bpf_object__load(object);
  if (error != 0) return error;
  *what = "the variables of the program";
  error = map_variables();
  if (error != 0) return error;
  error = attach(near_name, what);
  if (error != 0) return error;
  *what = "the ring of events";
  events_fd = bpf_map__fd(bpf_object__find_map_by_name(object, "events"));
  counters_fd = bpf_map__fd(bpf_object__find_map_by_name(object, "counters"));
  ring = ring_buffer__new(events_fd, on_sample, NULL, NULL);
  return ring == NULL ? -errno : 0;
}

int classifier_fd(void) { return events_fd; }

void classifier_announce(bool looks) { __atomic_store_n(peer_looks, looks, __ATOMIC_SEQ_CST); }

int classifier_consume(void (*on_event)(const struct wire_event*)) {
  receiver = on_event;
  received = 0;
  ring_buffer__consume(ring);
  return received;
}

void classifier_counted(struct wire_counter counters[WIRE_PROTOCOLS]) {
  int cpus = libbpf_num_possible_cpus();
  struct wire_counter* each = calloc(cpus, sizeof(*each));
  memset(counters, 0, WIRE_PROTOCOLS * sizeof(*counters));
  if (each == NULL) return;
  for (uint32_t protocol = 0; protocol < WIRE_PROTOCOLS; protocol++) {
    if (bpf_map_lookup_elem(counters_fd, &protocol, each)) continue;
    for (int cpu = 0; cpu < cpus; cpu++) {
      counters[protocol].packets += each[cpu].packets;
      counters[protocol].segments += each[cpu].segments;
      counters[protocol].payload_bytes += each[cpu].payload_bytes;
      counters[protocol].dropped += each[cpu].dropped;
    }
  }
  free(each);
}
