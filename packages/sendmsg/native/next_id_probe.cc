#include "next_id_probe.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "system_call.h"
#include "uapi.h"

namespace sendzc {

namespace {

// A page that nobody can read. Kept for the life of the process, null where there is no memory for it.
void* unreadable_page() {
  static void* const page = [] {
    void* mapped = mmap(nullptr, static_cast<size_t>(sysconf(_SC_PAGESIZE)), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mapped == MAP_FAILED ? nullptr : mapped;
  }();
  return page;
}

int64_t send_part(int fd, void* data, int flags) {
  iovec part{data, 1};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  return send_message(fd, header, flags | MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace

int use_up_next_id(int fd) {
  void* unreadable = unreadable_page();
  if (unreadable == nullptr) return -ENOMEM;
  static char first_part = 0;
  int64_t begun = send_part(fd, &first_part, MSG_MORE | MSG_ZEROCOPY);
  if (begun < 0) return static_cast<int>(begun);
  send_part(fd, unreadable, MSG_MORE);
  return 0;
}

}  // namespace sendzc
