// Sends of many sockets through one ring: submission, completion, back pressure. System-call layer: no JavaScript here; pins are opaque.
//
// Adjoining messages of one batch on a stream make one request, a run. The first token of a run stands for it. The requests of one batch
// are linked, on a stream and on a datagram socket alike, and a driver has one batch in the kernel at a time. Order therefore holds for as
// long as the socket is full.
//
// The life of a token: free -> unsent (held in the submission queue, then in the kernel) -> sent (the kernel still shares the memory and
// will notify) -> free. IORING_CQE_F_MORE alone says whether a notification follows, never the sign of the result.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "fixed_region.h"
#include "ring.h"
#include "send_slots.h"
#include "sendzc/event_buffer.h"
#include "sendzc/socket_facts.h"

namespace sendzc {

enum class admission { accepted, rejected, misused };

class send_engine {
 public:
  // Longest message on a stream, in bytes: the kernel shortens a longer one without an error (MAX_RW_COUNT), and linked sends would then
  // overtake its tail.
  static constexpr int64_t max_message_bytes = 0x7ffff000;
  // UIO_MAXIOV: segments of one message.
  static constexpr uint32_t max_segments = 1024;
  // Messages of a stream that leave as one request.
  static constexpr uint32_t max_run_messages = 1024;
  // Bytes up to which messages of a stream are joined to one request. The request that reaches as many since the last packet end ends its
  // packet buffer (MSG_EOR). The kernel releases all memory of a request together. A packet buffer that takes the end of one request and
  // the begin of the next ties their notifications to each other (io_link_skb, io_uring/notif.c, since 6.10): a stream that is never idle
  // would get none. TCP joins its own notifications up to as many bytes (byte_limit of msg_zerocopy_realloc, net/core/skbuff.c).
  static constexpr int64_t max_joined_bytes = 512 * 1024;
  // Segments of messages that are held until the next enter.
  static constexpr uint32_t max_held_segments = 8192;
  // Pins per token that the ring has room for, on average.
  static constexpr uint32_t pins_per_token = 4;
  // MAX_SKB_FRAGS is at least this (include/linux/skbuff.h). A datagram whose memory spans more pages may not fit in a packet buffer: the
  // kernel then answers EMSGSIZE if it asks for zero-copy. The engine copies such a datagram.
  static constexpr size_t max_datagram_pages = 17;
  // Rounds of completion work that one flush runs for a chain of linked sends.
  static constexpr uint32_t max_chain_rounds = 64;
  // How often in a row io_uring_enter may fail before the engine reports its error. The pause before the next try is 1 ms at first and
  // twice as long each time, 255 ms in all.
  static constexpr uint32_t max_failed_enters = 9;
  static constexpr uint32_t max_retry_delay_ms = 128;
  // How long opening a driver waits for the kernel to answer whether its socket can do zero-copy.
  static constexpr uint32_t probe_rounds = 100;
  static constexpr uint32_t probe_round_ms = 10;

  // Tokens for which a driver allocates room at first.
  static constexpr uint32_t first_tokens = 16;

  // 0 or a negated errno; -EOPNOTSUPP where the kernel has a ring but not both zero-copy sends. Drivers get generations from
  // `first_generation` on.
  int open(const ring_settings& settings, uint32_t first_generation = 0);
  // The system call that failed, after a negated errno of open() or add_driver().
  const char* failed_call() const { return failed_call_; }
  // The latest generation that a driver had.
  uint32_t last_generation() const { return last_generation_; }
  // Registers memory whose sends need no page lookup. At most once, before the first send. 0 or a negated errno (-ENOMEM: memlock).
  int register_region(std::shared_ptr<fixed_region> region);
  const ring& queue() const { return ring_; }
  ring& queue() { return ring_; }
  bool reports_usage() const { return report_usage_; }
  // Messages that may be in the kernel at a time, over all drivers: each can bring two completions, and the queue must never overflow.
  uint32_t token_limit() const { return token_limit_; }
  uint32_t open_drivers() const { return open_drivers_; }
  // True when no driver is open and the kernel owes nothing.
  bool idle() const { return open_drivers_ == 0 && owed_drivers_ == 0; }
  // waits(): a driver waits for the event loop. wants_loop(): one of these drivers keeps the loop alive.
  bool waits() const { return waiting_drivers_ > 0; }
  bool wants_loop() const { return loop_drivers_ > 0; }
  // True where a driver waits for room that is there, and no request is under way whose completion would cause a look.
  bool owes_room() const;
  // True when there is something to look at now; see ring::settle().
  bool settle();
  // Milliseconds until collect() retries a call that failed; 0 where there is nothing to retry.
  uint32_t retry_delay_ms() const;
  // The errno of io_uring_enter once the engine has given it up, otherwise 0.
  int given_up_error() const { return failed_enters_ == max_failed_enters ? enter_error_ : 0; }
  // True while the kernel owes something to drivers that are closed.
  bool owes_closed() const { return owed_drivers_ > 0; }

  // Duplicates `fd`. 0 or a negated errno: -EOPNOTSUPP where the socket has no zero-copy, -EMFILE, -ENOBUFS at the limit of drivers.
  int add_driver(int fd, const socket_facts& facts, uint32_t max_in_flight, uint32_t& index);
  driver_slot* find(uint32_t index) { return index < drivers_.size() && drivers_[index]->open ? drivers_[index].get() : nullptr; }
  driver_slot* find(uint32_t index, uint32_t generation) {
    driver_slot* found = find(index);
    return found != nullptr && found->generation == generation ? found : nullptr;
  }

  // One batch of one driver: begin_batch, then for each message begin_message, add_segment for each segment, end_message.
  // `hands_over`: the batch is not held for those of other drivers.
  // `copies_only`: no message of the batch asks for zero-copy. Datagrams then leave by one plain call, in end_batch.
  void begin_batch(driver_slot& driver, uint32_t messages, bool hands_over, bool copies_only = false);
  admission begin_message(uint32_t token, uint32_t segments);
  // Right behind it, for a datagram that has an envelope. False where the socket takes none, or the kernel refuses to prepare it: the
  // message is answered with that error, and neither segments nor end_message follow.
  bool set_envelope(const uint32_t* words);
  void add_segment(const uint8_t* data, size_t bytes, memory_pin pin);
  void end_message(bool zerocopy);
  // Sends the copies that end_message() has gathered for one call.
  void end_batch() { send_copies(*batch_.driver); }
  // Whether a message of this batch that is copied is sent without the ring, before end_batch() returns.
  bool copies_go_at_once() const { return batch_.alone && !batch_.driver->waits_in_ring; }
  // Gives up the message that was begun. Called instead of end_message.
  void drop_message();

  // Hands over, with one enter, everything that the drivers hold. The counters of `caller` count the call.
  void flush(driver_slot* caller);
  // Runs deferred completion work, if there is any. Never waits.
  void collect(driver_slot* caller);
  // Turns completions into events, as far as there is room. Never called while the events of an earlier call are still read. A sender
  // receives releases in the same call and needs no wake-up for them: with `from_loop` false only the last release brings one.
  void reap(event_buffer& events, bool from_loop);

  void arm(driver_slot& driver, uint32_t bits);
  void disarm(driver_slot& driver, uint32_t bits);
  // Whether a waiting driver keeps the event loop alive.
  void set_referenced(driver_slot& driver, bool referenced);
  void abort(driver_slot& driver);
  // Bytes of a TCP connection that the peer has not acknowledged; 0 for every other socket.
  int32_t undelivered(const driver_slot& driver) const;
  // The bytes of a TCP connection that the peer has acknowledged since its beginning; 0 for every other socket.
  int64_t acknowledged(const driver_slot& driver) const;
  // Cancels the requests that wait and closes the descriptor. Memory stays pinned until the kernel has let go of it. Returns the bytes
  // still shared.
  int64_t close(driver_slot& driver);
  // Bytes pinned for a driver, also after its close.
  int64_t pinned_bytes(uint32_t index, uint32_t generation) const {
    return index < drivers_.size() && drivers_[index]->generation == generation ? drivers_[index]->totals.pinned_bytes : 0;
  }

  // The end of the environment: cancels everything, waits at most `drain_ms` for notifications, aborts, waits at most `abort_ms` more.
  void drain(uint32_t drain_ms, uint32_t abort_ms);
  // Keeps all memory that the kernel may still read pinned for the life of the process.
  int64_t leak();
  void close_ring() { ring_.close(); }

 private:
  bool has_room(uint32_t segments) const;
  bool make_submission_room(uint32_t entries);
  void answer_without_ring(driver_slot& driver, uint32_t token, int result);
  void send_without_ring(driver_slot& driver);
  void gather_copy(driver_slot& driver);
  void send_copies(driver_slot& driver);
  void answer_copy(driver_slot& driver, uint32_t token, int result);
  bool joins_run(bool zerocopy) const;
  void begin_run(token_slot& slot, bool zerocopy);
  void join_run();
  void note_joined(driver_slot& driver);
  void prepare_run();
  void take_back_run(driver_slot& driver, uint32_t leader, int error, answer_source source);
  void take_back_unsubmitted(int error, answer_source source);
  static uint64_t now_ms();
  int enter(uint32_t min_completions);
  void note_enter(int result);
  bool will_retry() const { return failed_enters_ > 0 && failed_enters_ < max_failed_enters; }
  bool backing_off() const { return will_retry() && now_ms() < retry_at_ms_; }
  void retry(driver_slot* caller);
  void give_up();
  void answer_given_up(event_buffer& events);
  void release_run(driver_slot& driver, uint32_t leader, event_buffer& events);
  void neutralise_held(driver_slot& driver, bool report);
  void cancel_pending(driver_slot& driver);
  void answered(driver_slot& driver);
  void unpin(uint32_t chain);
  void free_token(driver_slot& driver, token_slot& slot);
  void forget(driver_slot& driver);
  void set_armed(driver_slot& driver, uint32_t bits);
  void follow_driver(driver_slot& driver);
  void kick();
  void submit_poll(driver_slot& driver);
  int probe_socket(int fd, bool stream);
  int probe_usage_report();
  bool probe_fixed_vectors();
  int run_probe(io_uring_sqe* sqe, int32_t& answer);

  size_t events_of(const io_uring_cqe& cqe) const;
  void complete(const io_uring_cqe& cqe, event_buffer& events);
  void complete_send(driver_slot& driver, const io_uring_cqe& cqe, event_buffer& events);
  void complete_poll(driver_slot& driver, int32_t ready, event_buffer& events);
  void answer_run(driver_slot& driver, uint32_t leader, const io_uring_cqe& cqe, event_buffer& events);
  void push_release(driver_slot& driver, uint32_t token, int32_t bits, int32_t result, event_buffer& events);
  void deliver_due_answers(event_buffer& events);
  void deliver_room(event_buffer& events);
  void drain_until(uint64_t deadline_ms);

  ring ring_;
  const char* failed_call_ = "";
  uint32_t first_generation_ = 0;
  uint32_t last_generation_ = 0;
  std::shared_ptr<fixed_region> region_;
  std::unique_ptr<pin_pool> pins_;
  std::vector<std::unique_ptr<driver_slot>> drivers_;
  size_t page_bytes_ = 4096;
  index_pool indexes_;
  std::vector<msghdr> headers_;
  std::vector<iovec> iovecs_;
  uint32_t iovecs_used_ = 0;
  // Datagrams of the batch that end_batch() sends, and their tokens.
  std::vector<mmsghdr> copies_;
  std::vector<uint32_t> copy_tokens_;
  uint32_t token_limit_ = 0;
  uint32_t tokens_in_kernel_ = 0;
  uint32_t open_drivers_ = 0;
  uint32_t owed_drivers_ = 0;
  uint32_t waiting_drivers_ = 0;
  uint32_t loop_drivers_ = 0;
  uint32_t answer_due_drivers_ = 0;
  uint32_t starved_drivers_ = 0;
  uint32_t starved_cursor_ = 0;
  uint32_t linked_held_ = 0;
  // Enters that failed in a row, the last errno, and the time of the next try.
  uint32_t failed_enters_ = 0;
  int enter_error_ = 0;
  uint64_t retry_at_ms_ = 0;
  bool giving_up_ = false;  // the unsent are to be answered
  bool kick_pending_ = false;
  bool reaping_from_loop_ = false;
  bool report_usage_ = false;
  bool fixed_vectors_ = false;

  // The message that is being added.
  struct batch_state {
    driver_slot* driver = nullptr;
    uint32_t messages = 0;
    bool alone = false;   // handed over at once, and one message or copied datagrams
    bool broken = false;  // an earlier message of this driver waits, or was not accepted: what follows must not overtake it
    uint32_t token = 0;
    uint32_t chain = pin_pool::none;
    uint32_t first_iovec = 0;
    uint32_t segments = 0;
    envelope* to = nullptr;
    int64_t bytes = 0;
    size_t pages = 0;
    bool clipped = false;
    bool fixed = false;
  } batch_;

  // The request that was prepared last, which the next message of a stream may join.
  struct run_state {
    io_uring_sqe* sqe = nullptr;
    msghdr* header = nullptr;
    uint32_t leader = 0;
    uint32_t last = 0;
    uint32_t length = 0;
    uint32_t first_iovec = 0;
    uint32_t segments = 0;
    int64_t bytes = 0;
    bool zerocopy = false;
    bool fixed = false;
    bool ends_packet = false;  // MSG_EOR
  } run_;
};

}  // namespace sendzc
