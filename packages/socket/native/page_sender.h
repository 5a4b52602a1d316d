// The system calls that sent pages without a copy before MSG_ZEROCOPY: sendfile(2), splice(2), vmsplice(2). These calls do not report when
// the kernel no longer refers to the pages.
#pragma once

#include <sendzc/unique_fd.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace sendzc {

// Numbers of `NativePagePath` in src/native.ts.
enum class page_path : uint32_t {
  sendfile = 0,  // from the page cache to the socket
  splice = 1,    // from the page cache into a pipe, from there to the socket
  vmsplice = 2,  // from memory into a pipe, without SPLICE_F_GIFT; from there to the socket
};

struct page_totals {
  uint64_t messages = 0;  // sent to their last byte
  uint64_t bytes = 0;
  uint64_t calls = 0;         // system calls
  uint64_t full_sockets = 0;  // times that the socket took no more
};

// Sends one message after another over a non-blocking stream. The content is its own: a file in memory (memfd_create(2)), or a mapping
// of its own, so that pages which the kernel still refers to when this ends are never anyone else's memory.
class page_sender {
 public:
  // `content_bytes` is a multiple of `message_bytes`; the messages walk through the content, again and again. The socket stays the
  // caller's. 0, or a negated errno and the call that answered it.
  static int open(int socket, page_path path, const uint8_t* content, size_t content_bytes, size_t message_bytes,
                  std::unique_ptr<page_sender>& opened, const char*& call);
  ~page_sender();
  page_sender(const page_sender&) = delete;
  page_sender& operator=(const page_sender&) = delete;

  // Sends until `messages` more are complete or the socket is full. How many were completed, or a negated errno.
  int64_t send(uint32_t messages);

  const page_totals& totals() const { return totals_; }

 private:
  page_sender(page_path path, size_t content_bytes, size_t message_bytes)
      : path_(path), content_bytes_(content_bytes), message_bytes_(message_bytes) {}
  int prepare(int socket, const uint8_t* content, const char*& call);
  int make_file(const uint8_t* content, const char*& call);
  int make_mapping(const uint8_t* content, const char*& call);
  int make_pipe(const char*& call);
  // Bytes that went on towards the socket, or a negated errno.
  int64_t send_from_file();
  int64_t fill_pipe();
  int64_t empty_pipe();
  int64_t step();

  page_path path_;
  size_t content_bytes_;
  size_t message_bytes_;
  unique_fd socket_;
  unique_fd file_;
  unique_fd pipe_out_;
  unique_fd pipe_in_;
  uint8_t* mapping_ = nullptr;
  size_t message_offset_ = 0;  // of the current message in the content
  size_t piped_ = 0;           // bytes of it that have entered the pipe
  size_t sent_ = 0;            // bytes of it that the socket has
  page_totals totals_;
};

}  // namespace sendzc
