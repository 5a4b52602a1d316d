// One io_uring instance: setup with a step down of flags, submission, and the two queues as memory. Makes the system calls,
// knows nothing of sockets or of JavaScript. Functions that can fail return a negated errno. Every method runs on the thread that opened
// it.
#pragma once

#include <cstdint>

#include "uapi.h"

namespace sendzc {

struct ring_settings {
  uint32_t submission_entries = 256;
  uint32_t completion_entries = 16384;
};

class ring {
 public:
  // One enter is repeated at most this often when signals interrupt it.
  static constexpr uint32_t max_interrupted_enters = 64;

  ring() = default;
  ring(const ring&) = delete;
  ring& operator=(const ring&) = delete;
  ~ring() { close(); }

  // Tries the sets of setup flags from the newest to the oldest; only EINVAL steps down.
  int open(const ring_settings& settings);
  void close();

  bool is_open() const { return open_; }
  int fd() const { return uring_.ring_fd; }
  uint32_t setup_flags() const { return setup_flags_; }
  uint32_t submission_entries() const { return params_.sq_entries; }
  uint32_t completion_entries() const { return params_.cq_entries; }
  bool deferred() const { return (setup_flags_ & IORING_SETUP_DEFER_TASKRUN) != 0; }

  // A cleared SQE, or null when the queue is full.
  io_uring_sqe* take_sqe();
  // SQEs taken since the last enter, oldest first: held()-1 is the youngest.
  uint32_t held() const { return uring_.sq.sqe_tail - published_; }
  uint32_t space() const { return params_.sq_entries - (uring_.sq.sqe_tail - load_head()); }
  io_uring_sqe& held_sqe(uint32_t at) { return uring_.sq.sqes[(published_ + at) & (params_.sq_entries - 1)]; }
  // Index of that SQE, which stays the same until it is consumed: below submission_entries().
  uint32_t next_index() const { return uring_.sq.sqe_tail & (params_.sq_entries - 1); }
  // True when the kernel has read every SQE, so that what they pointed at may be reused (IORING_FEAT_SUBMIT_STABLE, Linux 5.5).
  bool all_consumed() const { return load_head() == uring_.sq.sqe_tail; }

  // Hands over what is held and runs completion work. With `min_completions` it gives linked requests the chance to run
  // one after another within this call; it never waits for them. Returns how many SQEs the kernel took, or a negated errno.
  int enter(uint32_t min_completions);
  // Waits until there are `min_completions` CQEs, for at most `timeout_ms`.
  int wait(uint32_t min_completions, uint32_t timeout_ms);

  // True when an enter may bring more completions: deferred work or an overflown queue. IORING_SQ_TASKRUN outlasts the work that it told of
  // where that work queued more and the same run took it too (the kernel clears the flag before it runs, io_run_local_work).
  bool work_pending() const {
    return (__atomic_load_n(uring_.sq.kflags, __ATOMIC_RELAXED) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
  }
  // For whoever is about to wait for a signal, with signals on: 1 when there is something to look at now, 0 when there is not, or a negated
  // errno. What was queued while signals were muted is run here; what is queued from now on is signalled. Asks the kernel once after each
  // time that signals were muted.
  int settle();
  uint32_t ready() const { return __atomic_load_n(uring_.cq.ktail, __ATOMIC_ACQUIRE) - *uring_.cq.khead; }
  // The CQE `at` places behind the oldest one; at < ready().
  const io_uring_cqe& peek(uint32_t at) const { return uring_.cq.cqes[(*uring_.cq.khead + at) & (params_.cq_entries - 1)]; }
  void consume(uint32_t count) { __atomic_store_n(uring_.cq.khead, *uring_.cq.khead + count, __ATOMIC_RELEASE); }

  // Has the kernel write to an eventfd when there is something to enter for. Polling the ring itself does not do: with DEFER_TASKRUN many
  // kernels wake no poller when deferred work is queued. Signals can be muted without a system call (Linux 5.8).
  int register_eventfd(int fd) { return io_uring_register_eventfd(&uring_, fd); }
  void set_listening(bool listening) {
    listening_ = listening;
    set_muted(!listening);
  }

  // Takes back what the kernel has not read of what was held.
  void retract();
  // Cancels the request with this user_data; waits for nothing. 0, -ENOENT (none), -EALREADY or -ETIME (running).
  int cancel(uint64_t user_data);
  int register_buffer(void* base, size_t bytes);
  bool supports(int opcode);

 private:
  uint32_t load_head() const { return __atomic_load_n(uring_.sq.khead, __ATOMIC_ACQUIRE); }
  void set_muted(bool muted) {
    if (muted) settled_ = false;
    if (uring_.cq.kflags == nullptr) return;
    __atomic_store_n(uring_.cq.kflags, muted ? IORING_CQ_EVENTFD_DISABLED : 0u, __ATOMIC_RELEASE);
    // Orders it before the look at what is ready already.
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
  }
  int call_enter(uint32_t to_submit, uint32_t min_completions, uint32_t flags, uint64_t timeout_ns, bool bounded);

  io_uring uring_ = {};
  io_uring_params params_ = {};
  uint32_t setup_flags_ = 0;
  uint32_t published_ = 0;
  bool open_ = false;
  bool listening_ = false;
  bool settled_ = false;
};

}  // namespace sendzc
