// The state of this addon that one Node.js environment owns.
#pragma once

#include <sendzc/loop_callback.h>

#include <cstdint>
#include <map>
#include <memory>

#include "page_sender.h"
#include "ready_poll.h"
#include "receiver.h"

namespace sendzc {

// Threads that receive, in one environment.
constexpr size_t max_receivers = 64;
// Senders of pages, in one environment.
constexpr size_t max_page_senders = 64;

struct environment {
  loop_callback on_ready;  // JavaScript's (id: number) => void
  ready_poll poll;
  std::map<uint32_t, std::unique_ptr<receiver>> receivers;
  uint32_t next_receiver = 1;
  std::map<uint32_t, std::unique_ptr<page_sender>> page_senders;
  uint32_t next_page_sender = 1;

  void begin_teardown(void (*done)(void*), void* context);
};

}  // namespace sendzc
