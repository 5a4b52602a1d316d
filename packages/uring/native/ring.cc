#include "ring.h"

#include <errno.h>
#include <string.h>

#include "signal_probe.h"

namespace sendzc {

namespace {

// Newest first. SINGLE_ISSUER | DEFER_TASKRUN: completion work runs only when the task asks for it (Linux 6.1); skipped on a kernel that
// does not signal such work (signal_probe.h). COOP_TASKRUN: without interrupts (5.19).
constexpr uint32_t flag_sets[] = {
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_SUBMIT_ALL,
    0,
};

}  // namespace

int ring::open(const ring_settings& settings) {
  int result = -EINVAL;
  for (uint32_t flags : flag_sets) {
    if ((flags & IORING_SETUP_DEFER_TASKRUN) != 0) {
      int signalled = deferred_work_is_signalled();
      if (signalled < 0) return signalled;
      if (signalled == 0) continue;
    }
    memset(&params_, 0, sizeof(params_));
    params_.flags = flags | IORING_SETUP_CQSIZE;
    params_.cq_entries = settings.completion_entries;
    result = io_uring_queue_init_params(settings.submission_entries, &uring_, &params_);
    setup_flags_ = params_.flags;
    if (result != -EINVAL) break;
  }
  if (result != 0) return result;
  open_ = true;
  published_ = uring_.sq.sqe_tail;
  if (uring_.sq.array != nullptr && (params_.flags & IORING_SETUP_NO_SQARRAY) == 0) {
    for (uint32_t i = 0; i < params_.sq_entries; i++) uring_.sq.array[i] = i;
  }
  // Saves a lookup of the descriptor at every enter (Linux 5.18); everything works without it as well.
  (void)io_uring_register_ring_fd(&uring_);
  return 0;
}

void ring::close() {
  if (!open_) return;
  open_ = false;
  io_uring_queue_exit(&uring_);
}

io_uring_sqe* ring::take_sqe() {
  if (space() == 0) return nullptr;
  io_uring_sqe* sqe = &uring_.sq.sqes[next_index()];
  uring_.sq.sqe_tail++;
  memset(sqe, 0, sizeof(*sqe));
  return sqe;
}

int ring::enter(uint32_t min_completions) {
  uint32_t to_submit = uring_.sq.sqe_tail - load_head();
  if (held() > 0) {
    __atomic_store_n(uring_.sq.ktail, uring_.sq.sqe_tail, __ATOMIC_RELEASE);
    uring_.sq.sqe_head = uring_.sq.sqe_tail;
  }
  int result = call_enter(to_submit, min_completions, IORING_ENTER_GETEVENTS, 0, min_completions > 0);
  published_ = load_head();
  return result;
}

void ring::retract() {
  uint32_t head = load_head();
  __atomic_store_n(uring_.sq.ktail, head, __ATOMIC_RELEASE);
  uring_.sq.sqe_head = head;
  uring_.sq.sqe_tail = head;
  published_ = head;
}

int ring::wait(uint32_t min_completions, uint32_t timeout_ms) {
  return call_enter(0, min_completions, IORING_ENTER_GETEVENTS, uint64_t{timeout_ms} * 1000000, true);
}

int ring::call_enter(uint32_t to_submit, uint32_t min_completions, uint32_t flags, uint64_t timeout_ns, bool bounded) {
  __kernel_timespec timeout = {static_cast<int64_t>(timeout_ns / 1000000000), static_cast<long long>(timeout_ns % 1000000000)};
  io_uring_getevents_arg argument = {};
  argument.ts = reinterpret_cast<uint64_t>(&timeout);
  if (uring_.enter_ring_fd != uring_.ring_fd) flags |= IORING_ENTER_REGISTERED_RING;
  if (bounded) flags |= IORING_ENTER_EXT_ARG;
  // The caller of an enter looks at the ready completions afterwards, and needs no signal for them.
  if (listening_) set_muted(true);
  int result = -EINTR;
  for (uint32_t i = 0; i < max_interrupted_enters && result == -EINTR; i++) {
    result = io_uring_enter2(static_cast<unsigned>(uring_.enter_ring_fd), to_submit, min_completions, flags,
                             bounded ? reinterpret_cast<sigset_t*>(&argument) : nullptr, bounded ? sizeof(argument) : _NSIG / 8);
  }
  if (listening_) set_muted(false);
  return result == -ETIME ? 0 : result;
}

int ring::settle() {
  if (ready() > 0) return 1;
  if (!work_pending() || settled_) return 0;
  unsigned flags = IORING_ENTER_GETEVENTS;
  if (uring_.enter_ring_fd != uring_.ring_fd) flags |= IORING_ENTER_REGISTERED_RING;
  int result = io_uring_enter2(static_cast<unsigned>(uring_.enter_ring_fd), 0, 0, flags, nullptr, _NSIG / 8);
  if (result < 0) return result;
  settled_ = true;
  return ready() > 0 ? 1 : 0;
}

int ring::cancel(uint64_t user_data) {
  io_uring_sync_cancel_reg request = {};
  request.addr = user_data;
  request.fd = -1;
  return io_uring_register_sync_cancel(&uring_, &request);
}

int ring::register_buffer(void* base, size_t bytes) {
  iovec region = {base, bytes};
  return io_uring_register_buffers(&uring_, &region, 1);
}

bool ring::supports(int opcode) {
  io_uring_probe* probe = io_uring_get_probe_ring(&uring_);
  if (probe == nullptr) return false;
  bool supported = io_uring_opcode_supported(probe, opcode) != 0;
  io_uring_free_probe(probe);
  return supported;
}

}  // namespace sendzc
