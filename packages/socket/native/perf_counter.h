// Counters of the kernel's perf subsystem. Source: perf_event_open(2).
#pragma once

#include <cstdint>

namespace sendzc {

// Numbers of `NativeEvent` in src/native.ts.
enum class perf_event : uint32_t { cycles = 0, instructions = 1, task_clock = 2 };

// Opens a counter that runs from now on: of a thread and those that it starts later (cpu -1), or of everything on a CPU
// (thread -1, which needs CAP_PERFMON). User and kernel mode together. A descriptor, or a negated errno: -ENOENT where this
// machine does not count the event, -EACCES where kernel.perf_event_paranoid forbids it, -ESRCH for a thread that has ended.
int open_perf_counter(perf_event event, int32_t thread, int32_t cpu);

// Adds up, extrapolated where the counter shared the hardware with others. 0 or a negated errno; -EAGAIN where it has not run at all.
int read_perf_counter(int fd, double& value);

}  // namespace sendzc
