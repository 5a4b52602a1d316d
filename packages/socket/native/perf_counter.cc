#include "perf_counter.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace sendzc {

int open_perf_counter(perf_event event, int32_t thread, int32_t cpu) {
  perf_event_attr attributes = {};
  attributes.size = sizeof(attributes);
  switch (event) {
    case perf_event::cycles:
      attributes.type = PERF_TYPE_HARDWARE;
      attributes.config = PERF_COUNT_HW_CPU_CYCLES;
      break;
    case perf_event::instructions:
      attributes.type = PERF_TYPE_HARDWARE;
      attributes.config = PERF_COUNT_HW_INSTRUCTIONS;
      break;
    case perf_event::task_clock:
      attributes.type = PERF_TYPE_SOFTWARE;
      attributes.config = PERF_COUNT_SW_TASK_CLOCK;
      break;
    default:
      return -EINVAL;
  }
  attributes.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  attributes.inherit = cpu < 0 ? 1 : 0;
  long fd = syscall(SYS_perf_event_open, &attributes, thread, cpu, -1, PERF_FLAG_FD_CLOEXEC);
  return fd < 0 ? -errno : static_cast<int>(fd);
}

int read_perf_counter(int fd, double& value) {
  struct {
    uint64_t value;
    uint64_t enabled_ns;
    uint64_t running_ns;
  } reading = {};
  ssize_t size = read(fd, &reading, sizeof(reading));
  if (size < 0) return -errno;
  if (size != sizeof(reading)) return -EIO;
  value = static_cast<double>(reading.value);
  if (reading.running_ns == reading.enabled_ns) return 0;
  if (reading.running_ns == 0) return -EAGAIN;
  value *= static_cast<double>(reading.enabled_ns) / static_cast<double>(reading.running_ns);
  return 0;
}

}  // namespace sendzc
