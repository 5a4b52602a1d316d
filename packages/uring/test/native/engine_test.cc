// The engine on a real ring and real sockets: the life of a token and of its pin. Without an argument: prints the names of the tests.
// With one: runs that test; exit status 0 is success.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <memory>
#include <vector>

#include "check.h"
#include "send_engine.h"

using sendzc::driver_slot;
using sendzc::event_buffer;
using sendzc::fixed_region;
using sendzc::memory_pin;
using sendzc::request_kind;
using sendzc::send_engine;
using sendzc::unique_fd;
using sendzc::user_data;

namespace {

constexpr int max_waits = 500;
constexpr uint32_t wait_ms = 10;

struct event {
  uint32_t token;
  int32_t bits;
  int32_t result;
};

struct fixture {
  send_engine engine;
  unique_fd local;
  unique_fd peer;
  driver_slot* driver = nullptr;
  std::vector<event> events;

  explicit fixture(uint32_t submission_entries = 64, uint32_t completion_entries = 1024, uint32_t max_in_flight = 64) {
    sendzc::ring_settings settings;
    settings.submission_entries = submission_entries;
    settings.completion_entries = completion_entries;
    CHECK_EQUAL(engine.open(settings), 0);
    unique_fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    CHECK(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    CHECK(listen(listener.get(), 1) == 0);
    CHECK(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    local = unique_fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    CHECK(connect(local.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    peer = unique_fd(accept(listener.get(), nullptr, nullptr));
    sendzc::socket_facts facts;
    CHECK_EQUAL(sendzc::read_socket_facts(local.get(), facts), 0);
    uint32_t index;
    CHECK_EQUAL(engine.add_driver(local.get(), facts, max_in_flight, index), 0);
    driver = engine.find(index);
  }

  // Adds one message with memory of its own; the answer shows when its pin is dropped.
  std::weak_ptr<std::vector<uint8_t>> add(uint32_t token, size_t bytes, bool zerocopy) {
    auto memory = std::make_shared<std::vector<uint8_t>>(bytes, static_cast<uint8_t>(token));
    if (engine.begin_message(token, 1) == sendzc::admission::accepted) {
      engine.add_segment(memory->data(), bytes, memory_pin(memory, reinterpret_cast<v8::BackingStore*>(memory->data())));
      engine.end_message(zerocopy);
    }
    return memory;
  }

  void reap(bool from_loop = true) {
    std::vector<int32_t> words((send_engine::max_run_messages + 2) * event_buffer::words_per_event);
    event_buffer buffer(words.data(), words.size());
    engine.collect(nullptr);
    engine.reap(buffer, from_loop);
    for (size_t i = 0; i < buffer.size(); i++) {
      const int32_t* at = words.data() + i * event_buffer::words_per_event;
      events.push_back({static_cast<uint32_t>(at[1]), at[2], at[3]});
    }
  }

  size_t count(int32_t bit) const {
    size_t found = 0;
    for (const event& each : events) found += (each.bits & bit) != 0 ? 1 : 0;
    return found;
  }

  void reap_until(int32_t bit, size_t messages, bool from_loop = true) {
    for (int i = 0; i < max_waits; i++) {
      reap(from_loop);
      if (count(bit) >= messages) return;
      engine.queue().wait(1, wait_ms);
    }
    CHECK(!"reported in time");
  }
  void reap_until_released(size_t messages) { reap_until(sendzc::event_released, messages); }

  // The work of a ring interrupts a call that waits, which then returns what there is.
  void receive(std::vector<uint8_t>& into) {
    for (size_t done = 0; done < into.size();) {
      ssize_t more = recv(peer.get(), into.data() + done, into.size() - done, 0);
      if (more < 0 && errno == EINTR) continue;
      CHECK(more > 0);
      done += static_cast<size_t>(more);
    }
  }
};

void a_name_holds_its_parts() {
  constexpr uint32_t generations[] = {0, 1, user_data::generation_mask};
  constexpr uint32_t drivers[] = {0, user_data::max_drivers - 1};
  constexpr uint32_t tokens[] = {0, user_data::max_tokens - 1};
  constexpr uint32_t sequences[] = {0, user_data::sequence_mask};
  for (uint32_t generation : generations)
    for (uint32_t driver : drivers)
      for (uint32_t token : tokens)
        for (uint32_t sequence : sequences) {
          uint64_t data = user_data::pack(request_kind::poll, generation, driver, token, sequence);
          CHECK(user_data::kind(data) == request_kind::poll);
          CHECK_EQUAL(user_data::generation(data), generation);
          CHECK_EQUAL(user_data::driver(data), driver);
          CHECK_EQUAL(user_data::token(data), token);
          CHECK_EQUAL(user_data::sequence(data), sequence);
        }
  CHECK_EQUAL(user_data::sequence(user_data::pack(request_kind::send, 0, 0, 0, user_data::sequence_mask + 1)), 0);
}

void slots_of_a_region() {
  fixed_region none;
  CHECK_EQUAL(none.map(0, 4096), -EINVAL);
  CHECK_EQUAL(none.map(4, 0), -EINVAL);
  CHECK_EQUAL(none.map(2, fixed_region::max_bytes), -EINVAL);
  fixed_region region;
  CHECK_EQUAL(region.map(3, 5000), 0);
  CHECK_EQUAL(region.count(), 3);
  CHECK_EQUAL(region.bytes(), 3 * region.stride());
  uint8_t* end = region.base() + region.bytes();
  CHECK(region.contains(region.base(), region.bytes()));
  CHECK(region.contains(end - 1, 1));
  CHECK(!region.contains(end - 1, 2));
  CHECK(!region.contains(end, 0));
  CHECK(!region.contains(region.base() - 1, 1));
  CHECK_EQUAL(region.slot_of(region.base() + region.stride() - 1), 0);
  CHECK_EQUAL(region.slot_of(region.base() + region.stride()), 1);
  CHECK_EQUAL(region.slot_of(end - 1), 2);
  region.add_use(2);
  region.add_use(2);
  region.drop_use(2);
  CHECK_EQUAL(region.in_flight(2), 1);
  CHECK_EQUAL(region.in_flight(3), 0);
}

void a_pin_is_kept_until_its_release() {
  fixture f;
  f.engine.begin_batch(*f.driver, 1, true);
  auto memory = f.add(5, 100000, true);
  CHECK(!memory.expired());
  CHECK_EQUAL(f.engine.pinned_bytes(f.driver->index, f.driver->generation), 100000);
  f.engine.flush(f.driver);
  f.reap_until_released(1);
  CHECK_EQUAL(f.count(sendzc::event_sent), 1);
  CHECK_EQUAL(f.events[0].result, 100000);
  CHECK_EQUAL(f.events[0].bits & sendzc::event_sent, sendzc::event_sent);
  CHECK(memory.expired());
  CHECK_EQUAL(f.engine.pinned_bytes(f.driver->index, f.driver->generation), 0);
}

void what_is_over_the_bound_is_answered_in_order() {
  fixture f(64, 64);
  uint32_t bound = f.engine.token_limit();
  uint32_t messages = bound + 5;
  CHECK(messages <= 64);
  f.engine.begin_batch(*f.driver, messages, true);
  for (uint32_t token = 0; token < messages; token++) f.add(token, 100, false);
  f.engine.flush(f.driver);
  f.reap_until_released(messages);
  CHECK_EQUAL(f.count(sendzc::event_sent), messages);
  for (uint32_t token = 0; token < messages; token++) {
    CHECK_EQUAL(f.events[token].token, token);
    CHECK_EQUAL(f.events[token].result, token < bound ? 100 : token == bound ? -EAGAIN : -ECANCELED);
  }
}

void a_token_in_flight_is_refused() {
  fixture f;
  f.engine.begin_batch(*f.driver, 3, false);
  f.add(1, 100, true);
  CHECK(f.engine.begin_message(1, 1) == sendzc::admission::misused);
  CHECK(f.engine.begin_message(64, 1) == sendzc::admission::misused);
  CHECK(f.engine.begin_message(2, send_engine::max_segments + 1) == sendzc::admission::misused);
  f.engine.flush(f.driver);
  f.reap_until_released(1);
}

void a_dropped_message_leaves_nothing() {
  fixture f;
  f.engine.begin_batch(*f.driver, 1, true);
  auto memory = std::make_shared<std::vector<uint8_t>>(100);
  std::weak_ptr<std::vector<uint8_t>> seen = memory;
  CHECK(f.engine.begin_message(0, 2) == sendzc::admission::accepted);
  f.engine.add_segment(memory->data(), 100, memory_pin(memory, reinterpret_cast<v8::BackingStore*>(memory->data())));
  f.engine.drop_message();
  memory.reset();
  CHECK(seen.expired());
  CHECK(f.engine.begin_message(0, 1) == sendzc::admission::accepted);
  f.engine.drop_message();
}

void held_messages_of_a_closed_driver_never_leave() {
  fixture f;
  f.engine.begin_batch(*f.driver, 2, false);
  auto first = f.add(0, 1000, true);
  auto second = f.add(1, 1000, false);
  CHECK_EQUAL(f.engine.close(*f.driver), 0);
  CHECK(first.expired() && second.expired());
  f.reap();
  CHECK(f.events.empty());
  CHECK(f.engine.idle());
  f.local.reset();
  char byte;
  CHECK_EQUAL(recv(f.peer.get(), &byte, 1, 0), 0);
}

void held_messages_of_an_aborted_driver_are_canceled() {
  fixture f;
  f.engine.begin_batch(*f.driver, 2, false);
  auto first = f.add(0, 1000, true);
  auto second = f.add(1, 1000, false);
  f.engine.abort(*f.driver);
  f.reap_until_released(2);
  for (uint32_t token = 0; token < 2; token++) {
    CHECK_EQUAL(f.events[token].token, token);
    CHECK_EQUAL(f.events[token].result, -ECANCELED);
  }
  CHECK(first.expired() && second.expired());
}

// The event loop wakes with the first release; the sender gets an event for each, and a wake-up with the last.
void a_sender_is_woken_by_its_last_release() {
  for (bool from_loop : {true, false}) {
    fixture f;
    f.engine.begin_batch(*f.driver, 2, true);
    f.add(0, 1000, true);
    f.add(1, 1000, true);
    f.engine.flush(f.driver);
    f.engine.arm(*f.driver, sendzc::wake_notification);
    std::vector<uint8_t> received(2000);
    f.receive(received);
    f.reap_until(sendzc::event_released, 2, from_loop);
    CHECK_EQUAL(f.count(sendzc::event_wake), 1);
    const event& woken = f.events[f.events.size() - (from_loop ? 2 : 1)];
    CHECK_EQUAL(woken.bits, sendzc::event_wake);
    CHECK_EQUAL(f.engine.wants_loop(), false);
  }
}

// IORING_CQE_F_MORE alone shows whether a notification follows a failure: linked, all of them fail, some notify.
void failed_messages_are_released_once() {
  for (int round = 0; round < 20; round++) {
    fixture f;
    linger reset{1, 0};
    f.engine.begin_batch(*f.driver, 8, true);
    std::vector<std::weak_ptr<std::vector<uint8_t>>> memory;
    for (uint32_t token = 0; token < 8; token++) memory.push_back(f.add(token, 3000000, token % 2 == 0));
    f.engine.flush(f.driver);
    CHECK(setsockopt(f.peer.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == 0);
    f.peer.reset();
    f.reap_until_released(8);
    CHECK_EQUAL(f.count(sendzc::event_sent), 8);
    for (const auto& each : memory) CHECK(each.expired());
    for (int i = 0; i < 3; i++) f.reap();
    CHECK_EQUAL(f.count(sendzc::event_released), 8);
    CHECK_EQUAL(f.driver->in_flight, 0);
  }
}

// A late completion carries the user_data of a message that has ended: a no-operation with that user_data stands in for it.
void a_former_name_of_a_token_is_nobodys() {
  fixture f;
  f.engine.begin_batch(*f.driver, 1, true);
  f.add(0, 500, true);
  uint64_t former = user_data::of(*f.driver, 0);
  f.engine.flush(f.driver);
  f.reap_until_released(1);
  f.events.clear();
  // Taken first, so that it ends first: while the message that has the token now waits for its answer.
  io_uring_sqe* late = f.engine.queue().take_sqe();
  CHECK(late != nullptr);
  io_uring_prep_nop(late);
  late->user_data = former;
  f.engine.begin_batch(*f.driver, 1, true);
  f.add(0, 700, true);
  CHECK(former != user_data::of(*f.driver, 0));
  f.engine.flush(f.driver);
  f.reap_until_released(1);
  CHECK_EQUAL(f.count(sendzc::event_sent), 1);
  CHECK_EQUAL(f.events[0].result, 700);
  CHECK_EQUAL(f.driver->in_flight, 0);
}

void tokens_and_queues_wrap() {
  fixture f(8, 64, 2);
  std::vector<uint8_t> arrived(1000);
  f.driver->tokens.resize(1);
  f.driver->tokens[0].sequence = user_data::sequence_mask - 100;
  for (uint32_t round = 0; round < 500; round++) {
    f.events.clear();
    f.engine.begin_batch(*f.driver, 2, true);
    f.add(0, 600, true);
    f.add(1, 400, false);
    f.engine.flush(f.driver);
    f.reap_until(sendzc::event_sent, 2);
    f.receive(arrived);
    CHECK(arrived[599] == 0 && arrived[600] == 1);
    f.reap_until_released(2);
    CHECK_EQUAL(f.count(sendzc::event_sent), 2);
  }
  CHECK(f.driver->tokens[0].sequence < 500);
}

const named_test engine_tests[] = {
    {"a name holds its parts", a_name_holds_its_parts},
    {"slots of a region", slots_of_a_region},
    {"a pin is kept until its release", a_pin_is_kept_until_its_release},
    {"what is over the bound is answered in order", what_is_over_the_bound_is_answered_in_order},
    {"a token in flight is refused", a_token_in_flight_is_refused},
    {"a dropped message leaves nothing", a_dropped_message_leaves_nothing},
    {"held messages of a closed driver never leave", held_messages_of_a_closed_driver_never_leave},
    {"held messages of an aborted driver are canceled", held_messages_of_an_aborted_driver_are_canceled},
    {"a sender is woken by its last release", a_sender_is_woken_by_its_last_release},
    {"failed messages are released once", failed_messages_are_released_once},
    {"a former name of a token is nobody's", a_former_name_of_a_token_is_nobodys},
    {"tokens and queues wrap", tokens_and_queues_wrap},
};

}  // namespace

int main(int argc, char** argv) {
  for (const named_test& test : engine_tests) {
    if (argc < 2) {
      puts(test.name);
    } else if (strcmp(test.name, argv[1]) == 0) {
      test.run();
      return 0;
    }
  }
  return argc < 2 ? 0 : 2;
}
