// id_ledger without a socket: the tests feed it sends, failures and notifications, and check its report about each message.
#include <map>
#include <string>

#include "check.h"
#include "id_ledger.h"

using sendzc::completion_range;
using sendzc::id_ledger;

namespace {

// Messages are given their token as the chain of their pins, too.
struct endings final : sendzc::release_sink {
  std::map<uint32_t, std::string> by_token;
  void on_released(uint32_t token, uint32_t chain, bool copied) override { note(token, chain, copied ? "copied" : "zerocopy"); }
  void on_unshared(uint32_t token, uint32_t chain) override { note(token, chain, "unshared"); }
  void on_abandoned(uint32_t token, uint32_t chain) override { note(token, chain, "abandoned"); }
  void note(uint32_t token, uint32_t chain, const char* how) {
    CHECK_EQUAL(token, chain);
    CHECK(by_token.count(token) == 0);
    by_token[token] = how;
  }
  bool has(uint32_t token, const char* how) const {
    auto found = by_token.find(token);
    return found != by_token.end() && found->second == how;
  }
};

struct account {
  id_ledger ids;
  endings ended;

  // The next id is `next`: the first message, token 1000, was told to have the one before.
  explicit account(uint32_t next = 0, uint32_t capacity = 16) : ids(capacity, next == 0) {
    if (next == 0) return;
    send(1000);
    CHECK_EQUAL(notify(next - 1, next - 1), 0);
    ended.by_token.clear();
  }
  void send(uint32_t token) { ids.sent(token, token); }
  void fail(uint32_t token) { ids.failed_in_doubt(token, token); }
  uint32_t notify(uint32_t lo, uint32_t hi, bool copied = false) { return ids.notified(completion_range{lo, hi, copied}, ended); }
  void probe(uint32_t lo, uint32_t hi) {
    ids.begin_probe();
    notify(lo, hi);
    ids.end_probe(ended);
  }
};

void messages_are_released_by_their_ids() {
  account on;
  for (uint32_t token = 10; token < 14; token++) on.send(token);
  CHECK_EQUAL(on.ids.in_flight(), 4);
  CHECK_EQUAL(on.notify(2, 3, true), 0);
  CHECK(on.ended.has(12, "copied") && on.ended.has(13, "copied"));
  CHECK_EQUAL(on.notify(0, 0), 0);
  CHECK(on.ended.has(10, "zerocopy"));
  CHECK_EQUAL(on.ended.by_token.count(11), 0);
  CHECK_EQUAL(on.ids.in_flight(), 1);
  // The same range again: no message has these ids by now.
  CHECK_EQUAL(on.notify(2, 3), 2);
  CHECK(on.ids.knows_next());
}

void the_first_notification_calibrates() {
  id_ledger ids(16, false);
  endings ended;
  CHECK(!ids.knows_next());
  CHECK(ids.awaits_calibration());
  // A range of an earlier sender.
  CHECK_EQUAL(ids.notified(completion_range{3, 6, false}, ended), 4);
  ids.sent(1, 1);
  CHECK_EQUAL(ids.notified(completion_range{40, 41, true}, ended), 1);
  CHECK(ended.has(1, "copied"));
  CHECK(ids.knows_next());
  ids.sent(2, 2);
  CHECK_EQUAL(ids.notified(completion_range{42, 42, false}, ended), 0);
  CHECK(ended.has(2, "zerocopy"));
}

void an_id_ahead_of_the_count_ends_it() {
  account on;
  on.send(1);
  on.send(2);
  CHECK_EQUAL(on.notify(2, 2), 1);
  CHECK(!on.ids.knows_next());
  CHECK(!on.ids.awaits_calibration());
  CHECK_EQUAL(on.notify(0, 1), 2);
  CHECK(on.ended.by_token.empty());
  CHECK_EQUAL(on.ids.in_flight(), 2);
}

void in_doubt_no_message_gets_an_id() {
  account on;
  on.send(1);
  on.fail(2);
  CHECK(on.ids.is_in_doubt());
  CHECK(!on.ids.knows_next());
  CHECK(!on.ids.awaits_calibration());
  CHECK_EQUAL(on.ids.in_flight(), 2);
  CHECK(!on.ids.only_doubt_left());
  on.notify(0, 0);
  CHECK(on.ids.only_doubt_left());
  CHECK(on.ids.is_in_doubt());
}

void a_notification_ends_the_doubt() {
  account on;
  on.send(1);
  on.fail(2);
  CHECK_EQUAL(on.notify(1, 1, true), 0);
  CHECK(on.ended.has(2, "copied"));
  CHECK(on.ids.knows_next());
  on.send(3);
  CHECK_EQUAL(on.notify(0, 2), 1);  // id 1 was counted already
  CHECK(on.ended.has(1, "zerocopy") && on.ended.has(3, "zerocopy"));
}

void a_suspected_id_is_counted() {
  account on;
  on.ids.suspect_next(true);
  CHECK_EQUAL(on.notify(0, 0), 0);
  on.ids.suspect_next(false);
  CHECK(on.ids.knows_next());
  on.send(1);
  CHECK_EQUAL(on.notify(1, 1), 0);
  CHECK(on.ended.has(1, "zerocopy"));
}

void an_id_that_nobody_suspects_is_somebody_elses() {
  account on;
  on.ids.suspect_next(true);
  on.ids.suspect_next(false);
  CHECK_EQUAL(on.notify(0, 0), 1);
  CHECK(!on.ids.knows_next());
}

void a_probe_shows_that_no_id_was_used() {
  account on(5);
  on.fail(2);
  on.probe(5, 5);
  CHECK(on.ended.has(2, "unshared"));
  CHECK(on.ids.knows_next());
  on.send(3);
  CHECK_EQUAL(on.notify(6, 6), 0);
  CHECK(on.ended.has(3, "zerocopy"));
}

void a_probe_shows_that_an_id_was_used() {
  account on(5);
  on.fail(2);
  on.probe(6, 6);
  // On its way still.
  CHECK(on.ended.by_token.empty());
  CHECK_EQUAL(on.ids.in_flight(), 1);
  CHECK(on.ids.knows_next());
  on.send(3);
  CHECK_EQUAL(on.notify(5, 5, true), 0);
  CHECK(on.ended.has(2, "copied"));
  CHECK_EQUAL(on.notify(7, 7), 0);
  CHECK(on.ended.has(3, "zerocopy"));
}

void a_probe_shows_an_id_that_is_released_by_then() {
  account on(5);
  on.fail(2);
  on.probe(5, 6);
  CHECK(on.ended.has(2, "zerocopy"));
  CHECK_EQUAL(on.ids.in_flight(), 0);
  on.send(3);
  CHECK_EQUAL(on.notify(7, 7), 0);
  CHECK(on.ended.has(3, "zerocopy"));
}

void a_probe_is_read_across_the_wrap() {
  account used(UINT32_MAX);
  used.fail(2);
  used.probe(0, 0);
  CHECK_EQUAL(used.ids.in_flight(), 1);
  CHECK_EQUAL(used.notify(UINT32_MAX, UINT32_MAX), 0);
  CHECK(used.ended.has(2, "zerocopy"));
  used.send(3);
  CHECK_EQUAL(used.notify(1, 1), 0);
  CHECK(used.ended.has(3, "zerocopy"));
  account unused(UINT32_MAX);
  unused.fail(2);
  unused.probe(UINT32_MAX, UINT32_MAX);
  CHECK(unused.ended.has(2, "unshared"));
  unused.send(3);
  CHECK_EQUAL(unused.notify(0, 0), 0);
  CHECK(unused.ended.has(3, "zerocopy"));
}

void a_probe_that_shows_nothing_loses_the_count() {
  account on(5);
  on.send(1);
  on.fail(2);
  on.probe(5, 5);
  CHECK(on.ended.has(1, "zerocopy"));
  CHECK(on.ended.has(2, "abandoned"));
  CHECK(!on.ids.knows_next());
  CHECK_EQUAL(on.ids.in_flight(), 0);
  CHECK_EQUAL(on.notify(6, 7), 2);
}

void a_doubt_that_is_given_up_loses_the_count() {
  account on;
  on.fail(1);
  on.ids.give_up_doubt(on.ended);
  CHECK(on.ended.has(1, "abandoned"));
  CHECK(!on.ids.is_in_doubt());
  CHECK(!on.ids.knows_next());
  CHECK(!on.ids.awaits_calibration());
  CHECK_EQUAL(on.ids.in_flight(), 0);
}

void what_is_abandoned_ends_once() {
  account on;
  on.send(1);
  on.send(2);
  on.fail(3);
  on.notify(1, 1);
  on.ids.begin_probe();
  on.ids.abandon(on.ended);
  on.ids.end_probe(on.ended);
  CHECK(on.ended.has(1, "abandoned") && on.ended.has(2, "zerocopy") && on.ended.has(3, "abandoned"));
  CHECK_EQUAL(on.ended.by_token.size(), 3);
  CHECK_EQUAL(on.ids.in_flight(), 0);
  on.ids.abandon(on.ended);
  CHECK_EQUAL(on.notify(0, 0), 1);
}

void room_ends_with_the_window() {
  account on(0, 4);
  for (uint32_t token = 0; token < 4; token++) {
    CHECK(on.ids.has_room(0));
    on.send(token);
  }
  CHECK(!on.ids.has_room(0));
  on.notify(1, 3);
  // The oldest id holds the window.
  CHECK(!on.ids.has_room(0));
  on.notify(0, 0);
  CHECK(on.ids.has_room(3));
  CHECK(!on.ids.has_room(4));
}

}  // namespace

const named_test ledger_tests[] = {
    {"the ledger releases messages by their ids", messages_are_released_by_their_ids},
    {"the first notification calibrates the ledger", the_first_notification_calibrates},
    {"an id ahead of the count ends it", an_id_ahead_of_the_count_ends_it},
    {"in doubt no message gets an id", in_doubt_no_message_gets_an_id},
    {"a notification ends the doubt", a_notification_ends_the_doubt},
    {"a suspected id is counted", a_suspected_id_is_counted},
    {"an id that nobody suspects is somebody else's", an_id_that_nobody_suspects_is_somebody_elses},
    {"a probe shows that no id was used", a_probe_shows_that_no_id_was_used},
    {"a probe shows that an id was used", a_probe_shows_that_an_id_was_used},
    {"a probe shows an id that is released by then", a_probe_shows_an_id_that_is_released_by_then},
    {"a probe is read across the wrap", a_probe_is_read_across_the_wrap},
    {"a probe that shows nothing loses the count", a_probe_that_shows_nothing_loses_the_count},
    {"a doubt that is given up loses the count", a_doubt_that_is_given_up_loses_the_count},
    {"what is abandoned ends once", what_is_abandoned_ends_once},
    {"room ends with the window", room_ends_with_the_window},
    {nullptr, nullptr},
};
