// Preloaded into a process: epoll_ctl fails with errno SENDZC_EPOLL_ERRNO, each time, where SENDZC_EPOLL_FAULT says.
// `arm`: what asks for changes of a socket (EPOLLET), as the sendmsg addon does and libuv never does.
// `join`: what asks whether a descriptor can be polled, as libuv does when a poll handle is made (uv__io_check_fd: its data is -1).
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

namespace {

bool fails(const epoll_event& event) {
  const char* fault = getenv("SENDZC_EPOLL_FAULT");
  if (fault == nullptr) return false;
  if (strcmp(fault, "arm") == 0) return (event.events & EPOLLET) != 0;
  return strcmp(fault, "join") == 0 && event.data.fd == -1;
}

}  // namespace

extern "C" int epoll_ctl(int instance, int operation, int fd, epoll_event* event) noexcept {
  if (event != nullptr && operation != EPOLL_CTL_DEL && fails(*event)) {
    errno = atoi(getenv("SENDZC_EPOLL_ERRNO"));
    return -1;
  }
  static auto real = reinterpret_cast<int (*)(int, int, int, epoll_event*)>(dlsym(RTLD_NEXT, "epoll_ctl"));
  return real(instance, operation, fd, event);
}
