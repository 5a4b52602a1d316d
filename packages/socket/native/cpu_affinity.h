// Which CPUs a thread or the whole process may run on.
#pragma once

#include <cstdint>
#include <vector>

namespace sendzc {

// The calling thread. 0 or a negated errno (-EINVAL: no such CPU, or none of them is allowed).
int pin_thread(const std::vector<uint32_t>& cpus);

// All threads of the process; those that they start later inherit it. 0 or a negated errno; -EAGAIN where the process starts
// threads faster than they are pinned.
int pin_process(const std::vector<uint32_t>& cpus);

// CPUs that the calling thread may run on, in ascending order. 0 or a negated errno.
int allowed_cpus(std::vector<uint32_t>& cpus);

}  // namespace sendzc
