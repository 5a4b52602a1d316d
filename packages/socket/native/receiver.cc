#include "receiver.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>

#include "open_socket.h"
#include "uapi.h"

namespace sendzc {
namespace {

constexpr int command_timeout_ms = 5'000;
constexpr int events_per_wait = 256;
// Connections accepted in a row before others get their turn; the listener is level-triggered, so none is forgotten.
constexpr int accepts_per_wake = 256;
constexpr int64_t drain_limit_ns = 2'000'000'000;

int64_t now_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

uint64_t microseconds(const timeval& time) { return static_cast<uint64_t>(time.tv_sec) * 1'000'000 + static_cast<uint64_t>(time.tv_usec); }

// An eventfd accepts a write unless its counter is full: then it is readable anyway.
void signal_eventfd(int fd) {
  uint64_t one = 1;
  while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR) {
  }
}

void clear_eventfd(int fd) {
  uint64_t count;
  while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR) {
  }
}

}  // namespace

receiver::receiver(unique_fd fd, const receiver_options& options)
    : options_(options), socket_(std::move(fd)), streams_(options), datagrams_(options) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&obeyed_, &attributes);
  pthread_condattr_destroy(&attributes);
}

int receiver::start(unique_fd fd, const receiver_options& options, std::unique_ptr<receiver>& started, const char*& failed_call) {
  started.reset(new receiver(std::move(fd), options));
  int result = started->prepare(failed_call);
  if (result != 0) started.reset();
  return result;
}

int receiver::prepare(const char*& failed_call) {
  failed_call = "epoll_create1";
  epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) return -errno;
  failed_call = "eventfd";
  wake_fd_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_fd_) return -errno;
  event_fd_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event_fd_) return -errno;
  failed_call = "epoll_ctl";
  for (unique_fd* fd : {&wake_fd_, &socket_}) {
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.ptr = fd;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd->get(), &event) != 0) return -errno;
  }
  failed_call = "pthread_create";
  // Signals belong to the threads of Node.js.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int result = pthread_create(&thread_, nullptr, thread_main, this);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  thread_running_ = result == 0;
  return -result;
}

receiver::~receiver() {
  if (thread_running_) {
    receive_totals ignored;
    run(receiver_command::quit, {}, ignored);
    pthread_join(thread_, nullptr);
  }
  pthread_cond_destroy(&obeyed_);
  pthread_mutex_destroy(&mutex_);
}

int receiver::run(receiver_command command, const receive_target& target, receive_totals& totals) {
  timespec deadline;
  clock_gettime(CLOCK_MONOTONIC, &deadline);
  deadline.tv_sec += command_timeout_ms / 1000;
  pthread_mutex_lock(&mutex_);
  if (stopped_) {
    totals = command_totals_;
    pthread_mutex_unlock(&mutex_);
    return -ESHUTDOWN;
  }
  command_ = command;
  command_target_ = target;
  signal_eventfd(wake_fd_.get());
  int result = 0;
  while (command_ != receiver_command::none && result == 0) result = pthread_cond_timedwait(&obeyed_, &mutex_, &deadline);
  totals = command_totals_;
  pthread_mutex_unlock(&mutex_);
  return -result;
}

void* receiver::thread_main(void* self) {
  pthread_setname_np(pthread_self(), "sendzc-receive");
  static_cast<receiver*>(self)->loop();
  return nullptr;
}

void receiver::loop() {
  epoll_event events[events_per_wait];
  while (!stopped_) {
    int count = wait_for_events(events);
    if (count < 0 && errno != EINTR) fail(-errno, "epoll_wait");
    totals_.wakes++;
    uint64_t bytes_before = totals_.bytes;
    uint64_t datagrams_before = totals_.datagrams;
    for (int i = 0; i < count; i++) handle(events[i]);
    note_progress(bytes_before, datagrams_before);
    // After the events, for a command may free what they point to.
    if (command_waiting_) obey_command();
    if (options_.coalesce_us > 0 && !stopped_ && totals_.error == 0) {
      timespec pause = {0, static_cast<long>(options_.coalesce_us) * 1000};
      clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, nullptr);
    }
  }
}

int receiver::wait_for_events(epoll_event* events) {
  if (!totals_.paused) return epoll_wait(epoll_.get(), events, events_per_wait, -1);
  // Unread sockets would be reported ready without end.
  pollfd wake = {wake_fd_.get(), POLLIN, 0};
  int count = poll(&wake, 1, -1);
  if (count == 1) events[0].data.ptr = &wake_fd_;
  return count;
}

void receiver::handle(const epoll_event& event) {
  if (event.data.ptr == &wake_fd_) {
    clear_eventfd(wake_fd_.get());
    command_waiting_ = true;
  } else if (totals_.paused || totals_.error != 0) {
    return;
  } else if (event.data.ptr != &socket_) {
    read_connection(*static_cast<connection*>(event.data.ptr));
  } else if (is_stream(options_.kind)) {
    accept_waiting();
  } else {
    int result = datagrams_.read(socket_.get(), totals_);
    // A datagram socket reports an ICMP error once, and goes on (udp(7)).
    if (result < 0 && result != -EAGAIN && result != -ECONNREFUSED) fail(result, "recvmmsg");
  }
}

void receiver::accept_waiting() {
  for (int i = 0; i < accepts_per_wake; i++) {
    if (connections_.size() >= options_.max_connections) return park_listener(0, "");
    unique_fd fd(accept_connection(socket_.get()));
    if (!fd) {
      if (fd.get() != -EAGAIN) park_listener(fd.get(), "accept4");
      return;
    }
    auto accepted = std::make_unique<connection>();
    accepted->number = next_number_++;
    accepted->slot = connections_.size();
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.ptr = accepted.get();
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event) != 0) return fail(-errno, "epoll_ctl");
    accepted->fd = std::move(fd);
    if (options_.wake_bytes > 1) set_low_water(*accepted);
    connections_.push_back(std::move(accepted));
    totals_.connections_accepted++;
  }
}

// While a target is waited for, every byte counts at once. Where the option fails, wake-ups only come earlier.
void receiver::set_low_water(const connection& of) const {
  int bytes = target_set_ ? 1 : static_cast<int>(options_.wake_bytes);
  setsockopt(of.fd.get(), SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
}

// Counts the bytes below the low-water mark, which cause no wake-up.
void receiver::read_below_low_water() {
  if (options_.wake_bytes <= 1 || totals_.paused || totals_.error != 0) return;
  uint64_t bytes_before = totals_.bytes;
  for (const auto& open : connections_) set_low_water(*open);
  read_connections_until(now_ns() + drain_limit_ns);
  note_progress(bytes_before, totals_.datagrams);
}

// epoll would report a listener that cannot accept (maxConnections, EMFILE) as ready without end.
void receiver::park_listener(int error, const char* call) {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, socket_.get(), nullptr);
  listener_parked_ = true;
  if (error != 0) fail(error, call);
}

void receiver::unpark_listener() {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.ptr = &socket_;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket_.get(), &event) == 0) {
    listener_parked_ = false;
  } else {
    fail(-errno, "epoll_ctl");
  }
}

void receiver::read_connection(connection& from) {
  stream_state state = streams_.read(from, totals_);
  if (state == stream_state::closed || state == stream_state::reset) end_connection(from, state == stream_state::reset);
}

void receiver::end_connection(connection& ended, bool by_reset) {
  (by_reset ? totals_.connections_reset : totals_.connections_closed)++;
  size_t slot = ended.slot;
  if (slot + 1 != connections_.size()) {
    std::swap(connections_[slot], connections_.back());
    connections_[slot]->slot = slot;
  }
  connections_.pop_back();
  if (listener_parked_ && totals_.error == 0) unpark_listener();
}

void receiver::obey_command() {
  command_waiting_ = false;
  pthread_mutex_lock(&mutex_);
  switch (command_) {
    case receiver_command::none:
      break;
    case receiver_command::report:
      read_below_low_water();
      break;
    case receiver_command::pause:
    case receiver_command::resume:
      totals_.paused = command_ == receiver_command::pause;
      break;
    case receiver_command::reset_connections:
      reset_connections();
      break;
    case receiver_command::set_target:
      target_ = command_target_;
      target_set_ = true;
      clear_eventfd(event_fd_.get());
      read_below_low_water();
      if (totals_.error != 0) signal_eventfd(event_fd_.get());
      check_target();
      break;
    case receiver_command::stop:
      if (!totals_.paused && totals_.error == 0) drain();
      stopped_ = true;
      break;
    case receiver_command::quit:
      stopped_ = true;
      break;
  }
  complete_totals();
  command_totals_ = totals_;
  command_ = receiver_command::none;
  pthread_cond_broadcast(&obeyed_);
  pthread_mutex_unlock(&mutex_);
}

void receiver::reset_connections() {
  // A close with a linger time of zero answers the peer with RST (tcp(7), socket(7)).
  linger none = {1, 0};
  for (const auto& open : connections_) {
    setsockopt(open->fd.get(), SOL_SOCKET, SO_LINGER, &none, sizeof(none));
    totals_.connections_reset++;
  }
  connections_.clear();
  if (listener_parked_ && totals_.error == 0) unpark_listener();
}

void receiver::read_connections_until(int64_t deadline_ns) {
  for (size_t i = 0; i < connections_.size() && now_ns() < deadline_ns;) {
    connection& from = *connections_[i];
    stream_state state = streams_.read(from, totals_);
    if (state == stream_state::would_block) i++;
    if (state == stream_state::closed || state == stream_state::reset) end_connection(from, state == stream_state::reset);
  }
}

void receiver::drain() {
  int64_t deadline = now_ns() + drain_limit_ns;
  uint64_t bytes_before = totals_.bytes;
  uint64_t datagrams_before = totals_.datagrams;
  if (is_stream(options_.kind)) {
    if (!listener_parked_) accept_waiting();
    read_connections_until(deadline);
  } else {
    while (now_ns() < deadline && datagrams_.read(socket_.get(), totals_) > 0) {
    }
  }
  totals_.drained = now_ns() < deadline;
  note_progress(bytes_before, datagrams_before);
}

void receiver::note_progress(uint64_t bytes_before, uint64_t datagrams_before) {
  if (totals_.bytes != bytes_before || totals_.datagrams != datagrams_before) {
    totals_.last_ns = now_ns();
    if (totals_.first_ns == 0) totals_.first_ns = totals_.last_ns;
  }
  check_target();
}

void receiver::check_target() {
  if (!target_set_) return;
  uint64_t ended = totals_.connections_closed + totals_.connections_reset;
  if (totals_.bytes < target_.bytes || totals_.datagrams < target_.datagrams || ended < target_.connections_ended ||
      totals_.connections_accepted < target_.connections_accepted) {
    return;
  }
  target_set_ = false;
  if (options_.wake_bytes > 1) {
    for (const auto& open : connections_) set_low_water(*open);
  }
  signal_eventfd(event_fd_.get());
}

void receiver::fail(int error, const char* call) {
  if (totals_.error != 0) return;
  totals_.error = error;
  totals_.error_call = call;
  // The thread reads no more, so no socket may be reported ready; commands still are.
  if (!listener_parked_) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, socket_.get(), nullptr);
  listener_parked_ = true;
  for (const auto& open : connections_) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, open->fd.get(), nullptr);
  signal_eventfd(event_fd_.get());
}

void receiver::complete_totals() {
  totals_.connections_open = connections_.size();
  rusage usage = {};
  if (getrusage(RUSAGE_THREAD, &usage) == 0) {
    totals_.cpu_user_us = microseconds(usage.ru_utime);
    totals_.cpu_system_us = microseconds(usage.ru_stime);
  }
  uint32_t memory[SK_MEMINFO_VARS] = {};
  socklen_t size = sizeof(memory);
  if (!is_stream(options_.kind) && getsockopt(socket_.get(), SOL_SOCKET, SO_MEMINFO, memory, &size) == 0) {
    totals_.dropped_datagrams = memory[SK_MEMINFO_DROPS];
  }
}

}  // namespace sendzc
