// Copies that need no ring: no notification follows them.
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "send_engine.h"

namespace sendzc {

// Sends by a plain system call, which costs less than a request of the ring. Where the socket is full the answer is -EAGAIN, and the writer
// arms the driver.
void send_engine::send_without_ring(driver_slot& driver) {
  if (batch_.messages > 1) return gather_copy(driver);
  msghdr header = {};
  header.msg_iov = &iovecs_[batch_.first_iovec];
  header.msg_iovlen = batch_.segments;
  if (batch_.to != nullptr) batch_.to->address(header);
  // Bypasses the C library, whose function is a cancellation point and costs more in a process with threads.
  long sent = syscall(SYS_sendmsg, driver.fd.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL);
  int result = sent < 0 ? -errno : static_cast<int>(sent);
  driver.totals.send_calls++;
  driver.tokens[batch_.token].source = answer_source::plain_call;
  drop_message();
  answer_without_ring(driver, batch_.token, result);
}

// Gathers a datagram of a batch that is copied whole: one call sends all of them, once the batch ends.
void send_engine::gather_copy(driver_slot& driver) {
  unpin(batch_.chain);
  // The token is no longer free: it cannot come twice in one batch.
  driver.tokens[batch_.token].state = token_state::answer_due;
  mmsghdr copy = {};
  copy.msg_hdr.msg_iov = &iovecs_[batch_.first_iovec];
  copy.msg_hdr.msg_iovlen = batch_.segments;
  if (batch_.to != nullptr) batch_.to->address(copy.msg_hdr);
  copies_.push_back(copy);
  copy_tokens_.push_back(batch_.token);
}

// Answers the first message that is not sent with its error, and those behind it as not attempted.
void send_engine::send_copies(driver_slot& driver) {
  if (copies_.empty()) return;
  const size_t count = copies_.size();
  size_t done = 0;
  int error = 0;
  while (done < count && error == 0) {
    // A short call gives no reason: the next one begins with the message that failed, and answers with its error.
    unsigned most = static_cast<unsigned>(std::min<size_t>(count - done, max_segments));
    long sent = syscall(SYS_sendmmsg, driver.fd.get(), &copies_[done], most, MSG_DONTWAIT | MSG_NOSIGNAL);
    driver.totals.send_calls++;
    if (sent <= 0) error = sent < 0 ? -errno : -EAGAIN;
    for (long i = 0; i < sent; i++, done++) answer_copy(driver, copy_tokens_[done], static_cast<int>(copies_[done].msg_len));
  }
  for (size_t at = done; at < count; at++) answer_copy(driver, copy_tokens_[at], at == done ? error : -ECANCELED);
  if (done < count) batch_.broken = true;
  iovecs_used_ = static_cast<uint32_t>(static_cast<iovec*>(copies_[0].msg_hdr.msg_iov) - iovecs_.data());
  copies_.clear();
  copy_tokens_.clear();
}

void send_engine::answer_copy(driver_slot& driver, uint32_t token, int result) {
  driver.tokens[token].source = answer_source::plain_batch;
  answer_without_ring(driver, token, result);
}

}  // namespace sendzc
