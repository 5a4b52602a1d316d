// One io_uring instance: its setup, which steps down through sets of flags, its submission, and the two queues as memory. It makes the
// system calls and knows neither sockets nor JavaScript. A function that can fail returns a negated errno. Every method runs on the thread
// that opened the ring.
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
  // SQEs taken since the last enter. The index of the oldest is 0, and that of the youngest held()-1.
  uint32_t held() const { return uring_.sq.sqe_tail - published_; }
  uint32_t space() const { return params_.sq_entries - (uring_.sq.sqe_tail - load_head()); }
  io_uring_sqe& held_sqe(uint32_t at) { return uring_.sq.sqes[(published_ + at) & (params_.sq_entries - 1)]; }
  // Index of the next SQE, below submission_entries(). It stays the same until the kernel has consumed that SQE.
  uint32_t next_index() const { return uring_.sq.sqe_tail & (params_.sq_entries - 1); }
  // True when the kernel has read every SQE, so that the memory that they pointed at may be reused (IORING_FEAT_SUBMIT_STABLE, Linux 5.5).
  bool all_consumed() const { return load_head() == uring_.sq.sqe_tail; }

  // Hands over the held SQEs and runs completion work. With `min_completions` linked requests can run one after another within this call;
  // the call never waits for them. Returns the number of SQEs that the kernel took, or a negated errno.
  int enter(uint32_t min_completions);
  // Waits until there are `min_completions` CQEs, for at most `timeout_ms`.
  int wait(uint32_t min_completions, uint32_t timeout_ms);

  // True when an enter may bring more completions: deferred work or an overflown queue. IORING_SQ_TASKRUN can outlast its work: the kernel
  // clears the flag before it runs the work (io_run_local_work), which may queue more work that the same run takes.
  bool work_pending() const {
    return (__atomic_load_n(uring_.sq.kflags, __ATOMIC_RELAXED) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
  }
  // To be called before waiting for a signal, with signals on: 1 when there is something to look at now, 0 when there is not, or a negated
  // errno. It runs the work that was queued while signals were muted; work that is queued later is signalled. It asks the kernel once after
  // each time that signals were muted.
  int settle();
  uint32_t ready() const { return __atomic_load_n(uring_.cq.ktail, __ATOMIC_ACQUIRE) - *uring_.cq.khead; }
  // The CQE `at` places behind the oldest one; at < ready().
  const io_uring_cqe& peek(uint32_t at) const { return uring_.cq.cqes[(*uring_.cq.khead + at) & (params_.cq_entries - 1)]; }
  void consume(uint32_t count) { __atomic_store_n(uring_.cq.khead, *uring_.cq.khead + count, __ATOMIC_RELEASE); }

  // Has the kernel write to an eventfd when there is a reason to enter. Polling the ring itself is not enough: with DEFER_TASKRUN many
  // kernels wake no poller when they queue deferred work. Signals can be muted without a system call (Linux 5.8).
  int register_eventfd(int fd) { return io_uring_register_eventfd(&uring_, fd); }
  void set_listening(bool listening) {
    listening_ = listening;
    set_muted(!listening);
  }

  // Takes back the held SQEs that the kernel has not read.
  void retract();
  // Cancels the request with this user_data, without waiting. 0, -ENOENT (no such request), -EALREADY or -ETIME (it is running).
  int cancel(uint64_t user_data);
  int register_buffer(void* base, size_t bytes);
  bool supports(int opcode);

 private:
  uint32_t load_head() const { return __atomic_load_n(uring_.sq.khead, __ATOMIC_ACQUIRE); }
  void set_muted(bool muted) {
    if (muted) settled_ = false;
    if (uring_.cq.kflags == nullptr) return;
    __atomic_store_n(uring_.cq.kflags, muted ? IORING_CQ_EVENTFD_DISABLED : 0u, __ATOMIC_RELEASE);
    // Orders the store before the look at the ready completions.
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
