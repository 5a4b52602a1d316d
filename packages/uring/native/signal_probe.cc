#include "signal_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>

#include "event_signal.h"
#include "uapi.h"

namespace sendzc {

namespace {

// The kernels in question do not signal the second wake-up.
constexpr int rounds = 3;
// How long one signal may take. Those kernels send it only after a grace period of RCU.
constexpr int wait_ms = 100;

struct probe_ring {
  io_uring uring = {};
  bool open = false;
  ~probe_ring() {
    if (open) io_uring_queue_exit(&uring);
  }
};

bool wait_readable(int fd) {
  pollfd waited = {fd, POLLIN, 0};
  return poll(&waited, 1, wait_ms) == 1;
}

// A request waits for a pipe, a byte wakes it: that queues its completion work.
bool one_round(io_uring& uring, event_signal& signal, int read_end, int write_end) {
  io_uring_sqe* sqe = io_uring_get_sqe(&uring);
  if (sqe == nullptr) return false;
  io_uring_prep_poll_add(sqe, read_end, POLLIN);
  char byte = 0;
  if (io_uring_submit(&uring) != 1 || write(write_end, &byte, 1) != 1 || !wait_readable(signal.fd())) return false;
  signal.lower();
  if (io_uring_get_events(&uring) < 0) return false;
  io_uring_cqe* cqe = nullptr;
  if (io_uring_peek_cqe(&uring, &cqe) != 0) return false;
  io_uring_cqe_seen(&uring, cqe);
  // The completion itself is signalled, too.
  signal.lower();
  return read(read_end, &byte, 1) == 1;
}

bool lacks_descriptor(int error) { return error == -EMFILE || error == -ENFILE; }

int probe() {
  probe_ring ring;
  io_uring_params params = {};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  int result = io_uring_queue_init_params(2, &ring.uring, &params);
  ring.open = result == 0;
  event_signal signal;
  int ends[2];
  if (result == 0) result = signal.open();
  if (result == 0 && pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) result = -errno;
  if (result != 0) return lacks_descriptor(result) ? result : 0;
  unique_fd read_end(ends[0]);
  unique_fd write_end(ends[1]);
  if (io_uring_register_eventfd(&ring.uring, signal.fd()) != 0) return 0;
  for (int i = 0; i < rounds; i++) {
    if (!one_round(ring.uring, signal, read_end.get(), write_end.get())) return 0;
  }
  return 1;
}

}  // namespace

int deferred_work_is_signalled() {
  constexpr int unknown = 2;
  static std::atomic<int> answer{unknown};
  int known = answer.load(std::memory_order_relaxed);
  if (known != unknown) return known;
  int found = probe();
  if (found >= 0) answer.store(found, std::memory_order_relaxed);
  return found;
}

}  // namespace sendzc
