// A thread that receives from one listener or one datagram socket, as cheaply as possible.
//
// All counters belong to the thread; commands ask it for a copy, so that no counter is atomic and a copy is consistent.
#pragma once

#include <pthread.h>
#include <sendzc/unique_fd.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "datagram_reader.h"
#include "receive_totals.h"
#include "stream_reader.h"

struct epoll_event;

namespace sendzc {

// Numbers shared with native.ts.
// `stop` reads what has arrived first, `quit` does not.
enum class receiver_command : int32_t { none = 0, report, pause, resume, reset_connections, set_target, stop, quit };

// Reached when every field is; event_fd then becomes readable once.
struct receive_target {
  uint64_t bytes = 0;
  uint64_t datagrams = 0;
  uint64_t connections_accepted = 0;
  uint64_t connections_ended = 0;  // closed by the peer, or reset
};

class receiver {
 public:
  // Takes ownership of `fd`: a listener, or a bound datagram socket, non-blocking. 0 or a negated errno.
  static int start(unique_fd fd, const receiver_options& options, std::unique_ptr<receiver>& started, const char*& failed_call);
  // Stops the thread and waits for it.
  ~receiver();
  receiver(const receiver&) = delete;
  receiver& operator=(const receiver&) = delete;

  // Runs `command` on the thread and copies its counters. 0, -ETIMEDOUT after command_timeout_ms, -ESHUTDOWN after `stop` or `quit`.
  int run(receiver_command command, const receive_target& target, receive_totals& totals);

  // An eventfd: readable once the target is reached, or the receiving has ended by an error.
  int event_fd() const { return event_fd_.get(); }

 private:
  receiver(unique_fd fd, const receiver_options& options);
  int prepare(const char*& failed_call);
  static void* thread_main(void* self);
  void loop();
  int wait_for_events(epoll_event* events);
  void handle(const epoll_event& event);
  void accept_waiting();
  void park_listener(int error, const char* call);
  void unpark_listener();
  void read_connection(connection& from);
  void end_connection(connection& ended, bool by_reset);
  void obey_command();
  void reset_connections();
  void set_low_water(const connection& of) const;
  void read_below_low_water();
  void read_connections_until(int64_t deadline_ns);
  void drain();
  void note_progress(uint64_t bytes_before, uint64_t datagrams_before);
  void check_target();
  void fail(int error, const char* call);
  void complete_totals();

  receiver_options options_;
  receive_totals totals_;
  receive_target target_;
  bool target_set_ = false;
  bool command_waiting_ = false;
  bool listener_parked_ = false;
  bool stopped_ = false;
  uint64_t next_number_ = 0;

  unique_fd socket_;
  unique_fd epoll_;
  unique_fd wake_fd_;
  unique_fd event_fd_;
  stream_reader streams_;
  datagram_reader datagrams_;
  std::vector<std::unique_ptr<connection>> connections_;

  pthread_t thread_ = {};
  bool thread_running_ = false;
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t obeyed_;
  // Under mutex_:
  receiver_command command_ = receiver_command::none;
  receive_target command_target_;
  receive_totals command_totals_;
};

}  // namespace sendzc
