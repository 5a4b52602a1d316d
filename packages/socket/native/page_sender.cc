#include "page_sender.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstring>

namespace sendzc {
namespace {

constexpr size_t page_bytes = 4096;
// fs.pipe-max-size as the kernel ships it: no more is asked for.
constexpr size_t max_pipe_bytes = size_t{1} << 20;

template <typename call_type>
int64_t without_interruption(call_type call) {
  ssize_t result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result < 0 ? -static_cast<int64_t>(errno) : result;
}

}  // namespace

int page_sender::open(int socket, page_path path, const uint8_t* content, size_t content_bytes, size_t message_bytes,
                      std::unique_ptr<page_sender>& opened, const char*& call) {
  call = "open";
  if (message_bytes == 0 || content_bytes == 0 || content_bytes % message_bytes != 0) return -EINVAL;
  std::unique_ptr<page_sender> made(new page_sender(path, content_bytes, message_bytes));
  int result = made->prepare(socket, content, call);
  if (result == 0) opened = std::move(made);
  return result;
}

page_sender::~page_sender() {
  // Pages that the kernel still refers to stay its own until it lets go.
  if (mapping_ != nullptr) munmap(mapping_, content_bytes_);
}

int page_sender::prepare(int socket, const uint8_t* content, const char*& call) {
  call = "fcntl(F_DUPFD_CLOEXEC)";
  socket_ = unique_fd(fcntl(socket, F_DUPFD_CLOEXEC, 0));
  if (!socket_) return -errno;
  int result = path_ == page_path::vmsplice ? make_mapping(content, call) : make_file(content, call);
  return result != 0 || path_ == page_path::sendfile ? result : make_pipe(call);
}

int page_sender::make_file(const uint8_t* content, const char*& call) {
  call = "memfd_create";
  file_ = unique_fd(memfd_create("sendzc-pages", MFD_CLOEXEC));
  if (!file_) return -errno;
  call = "write";
  for (size_t written = 0; written < content_bytes_;) {
    int64_t result = without_interruption([&] { return write(file_.get(), content + written, content_bytes_ - written); });
    if (result < 0) return static_cast<int>(result);
    written += static_cast<size_t>(result);
  }
  return 0;
}

int page_sender::make_mapping(const uint8_t* content, const char*& call) {
  call = "mmap";
  void* mapped = mmap(nullptr, content_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return -errno;
  mapping_ = static_cast<uint8_t*>(mapped);
  memcpy(mapping_, content, content_bytes_);
  return 0;
}

int page_sender::make_pipe(const char*& call) {
  call = "pipe2";
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return -errno;
  pipe_out_ = unique_fd(ends[0]);
  pipe_in_ = unique_fd(ends[1]);
  // Room for one message, which may begin and end within a page. Where it is refused a message takes more rounds through the pipe.
  size_t wanted = std::min(max_pipe_bytes, (message_bytes_ / page_bytes + 2) * page_bytes);
  fcntl(pipe_in_.get(), F_SETPIPE_SZ, static_cast<int>(wanted));
  return 0;
}

int64_t page_sender::send(uint32_t messages) {
  for (uint32_t completed = 0; completed < messages;) {
    int64_t result = step();
    if (result == -EAGAIN) {
      totals_.full_sockets++;
      return completed;
    }
    if (result < 0) return result;
    if (result == 0) return -EPIPE;
    sent_ += static_cast<size_t>(result);
    totals_.bytes += static_cast<uint64_t>(result);
    if (sent_ < message_bytes_) continue;
    completed++;
    totals_.messages++;
    sent_ = piped_ = 0;
    message_offset_ = (message_offset_ + message_bytes_) % content_bytes_;
  }
  return messages;
}

int64_t page_sender::step() {
  if (path_ == page_path::sendfile) return send_from_file();
  if (piped_ == sent_) {
    int64_t result = fill_pipe();
    // The loop would ask an empty pipe that takes no byte without end.
    if (result <= 0) return result == -EAGAIN || result == 0 ? -EIO : result;
    piped_ += static_cast<size_t>(result);
  }
  return empty_pipe();
}

int64_t page_sender::send_from_file() {
  off_t offset = static_cast<off_t>(message_offset_ + sent_);
  totals_.calls++;
  return without_interruption([&] { return sendfile(socket_.get(), file_.get(), &offset, message_bytes_ - sent_); });
}

int64_t page_sender::fill_pipe() {
  size_t at = message_offset_ + piped_;
  size_t left = message_bytes_ - piped_;
  totals_.calls++;
  if (path_ == page_path::vmsplice) {
    iovec memory = {mapping_ + at, left};
    return without_interruption([&] { return vmsplice(pipe_in_.get(), &memory, 1, SPLICE_F_NONBLOCK); });
  }
  off64_t offset = static_cast<off64_t>(at);
  return without_interruption(
      [&] { return splice(file_.get(), &offset, pipe_in_.get(), nullptr, left, SPLICE_F_MOVE | SPLICE_F_NONBLOCK); });
}

int64_t page_sender::empty_pipe() {
  totals_.calls++;
  // More of the message follows: TCP may delay the bytes it has.
  unsigned more = piped_ < message_bytes_ ? SPLICE_F_MORE : 0;
  return without_interruption(
      [&] { return splice(pipe_out_.get(), nullptr, socket_.get(), nullptr, piped_ - sent_, SPLICE_F_MOVE | SPLICE_F_NONBLOCK | more); });
}

}  // namespace sendzc
