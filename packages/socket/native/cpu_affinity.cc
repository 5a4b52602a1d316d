#include "cpu_affinity.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/types.h>

#include <cstddef>

namespace sendzc {
namespace {

// More than any kernel is built for (CONFIG_NR_CPUS is at most 8192 on x86-64).
constexpr uint32_t max_cpus = 8192;
// Walks over /proc/self/task: a thread started during one is found by the next.
constexpr int max_task_walks = 8;

class cpu_mask {
 public:
  cpu_mask() : set_(CPU_ALLOC(max_cpus)), bytes_(CPU_ALLOC_SIZE(max_cpus)) {
    if (set_ != nullptr) CPU_ZERO_S(bytes_, set_);
  }
  ~cpu_mask() {
    if (set_ != nullptr) CPU_FREE(set_);
  }
  cpu_mask(const cpu_mask&) = delete;
  cpu_mask& operator=(const cpu_mask&) = delete;

  int fill(const std::vector<uint32_t>& cpus) {
    if (set_ == nullptr) return -ENOMEM;
    for (uint32_t cpu : cpus) {
      if (cpu >= max_cpus) return -EINVAL;
      CPU_SET_S(cpu, bytes_, set_);
    }
    return 0;
  }
  int apply(pid_t thread) const { return sched_setaffinity(thread, bytes_, set_) == 0 ? 0 : -errno; }
  int read() const {
    if (set_ == nullptr) return -ENOMEM;
    return sched_getaffinity(0, bytes_, set_) == 0 ? 0 : -errno;
  }
  bool has(uint32_t cpu) const { return CPU_ISSET_S(cpu, bytes_, set_); }

 private:
  cpu_set_t* set_;
  size_t bytes_;
};

// Pins every thread there is; `seen` gets their number. 0 or a negated errno.
int pin_tasks(const cpu_mask& mask, size_t& seen) {
  DIR* tasks = opendir("/proc/self/task");
  if (tasks == nullptr) return -errno;
  int result = 0;
  seen = 0;
  while (const dirent* task = readdir(tasks)) {
    pid_t thread = static_cast<pid_t>(atoi(task->d_name));
    if (thread <= 0) continue;
    seen++;
    result = mask.apply(thread);
    if (result == -ESRCH) result = 0;  // it ended meanwhile
    if (result != 0) break;
  }
  closedir(tasks);
  return result;
}

}  // namespace

int pin_thread(const std::vector<uint32_t>& cpus) {
  cpu_mask mask;
  int result = mask.fill(cpus);
  return result != 0 ? result : mask.apply(0);
}

int pin_process(const std::vector<uint32_t>& cpus) {
  cpu_mask mask;
  int result = mask.fill(cpus);
  if (result != 0) return result;
  size_t before = 0;
  for (int walk = 0; walk < max_task_walks; walk++) {
    size_t seen = 0;
    result = pin_tasks(mask, seen);
    if (result != 0) return result;
    if (walk > 0 && seen == before) return 0;
    before = seen;
  }
  return -EAGAIN;
}

int allowed_cpus(std::vector<uint32_t>& cpus) {
  cpu_mask mask;
  int result = mask.read();
  if (result != 0) return result;
  for (uint32_t cpu = 0; cpu < max_cpus; cpu++) {
    if (mask.has(cpu)) cpus.push_back(cpu);
  }
  return 0;
}

}  // namespace sendzc
