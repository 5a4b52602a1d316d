// completion_range and in_flight_table, at the wrap of the 32-bit ids above all.
#include <map>
#include <random>
#include <vector>

#include "check.h"
#include "sendzc/completion_range.h"
#include "sendzc/in_flight_table.h"

using sendzc::completion_range;
using sendzc::in_flight_table;

namespace {

std::vector<uint32_t> tokens_released(in_flight_table& table, uint32_t lo, uint32_t hi) {
  std::vector<uint32_t> tokens;
  uint32_t count =
      table.release(completion_range{lo, hi, false}, [&](const in_flight_table::entry& entry, uint32_t) { tokens.push_back(entry.token); });
  CHECK_EQUAL(count, tokens.size());
  return tokens;
}

void range_counts_across_the_wrap() {
  CHECK_EQUAL((completion_range{5, 5, false}.count()), 1);
  CHECK_EQUAL((completion_range{UINT32_MAX, UINT32_MAX, false}.count()), 1);
  CHECK_EQUAL((completion_range{UINT32_MAX - 1, 2, false}.count()), 5);
  completion_range wrapping{UINT32_MAX, 0, false};
  CHECK(wrapping.contains(UINT32_MAX));
  CHECK(wrapping.contains(0));
  CHECK(!wrapping.contains(1));
  CHECK(!wrapping.contains(UINT32_MAX - 1));
}

void release_in_any_order() {
  in_flight_table table(8);
  for (uint32_t token = 0; token < 6; token++) CHECK_EQUAL(table.add(100 + token, 0), token);
  CHECK((tokens_released(table, 3, 4) == std::vector<uint32_t>{103, 104}));
  CHECK((tokens_released(table, 0, 0) == std::vector<uint32_t>{100}));
  CHECK((tokens_released(table, 0, 4) == std::vector<uint32_t>{101, 102}));
  CHECK_EQUAL(table.size(), 1);
  CHECK((tokens_released(table, 5, 5) == std::vector<uint32_t>{105}));
  CHECK_EQUAL(table.size(), 0);
}

void release_across_the_wrap() {
  in_flight_table table(8);
  table.rebase(UINT32_MAX - 2);
  for (uint32_t token = 0; token < 6; token++) table.add(token, 0);
  CHECK_EQUAL(table.next_id(), 3);
  CHECK((tokens_released(table, UINT32_MAX, 1) == std::vector<uint32_t>{2, 3, 4}));
  CHECK((tokens_released(table, UINT32_MAX - 2, 2) == std::vector<uint32_t>{0, 1, 5}));
  CHECK_EQUAL(table.size(), 0);
  CHECK(table.has_room(7));
}

void a_range_of_other_ids_releases_nothing() {
  in_flight_table table(8);
  table.rebase(1000);
  table.add(1, 0);
  table.add(2, 0);
  CHECK(tokens_released(table, 900, 999).empty());
  CHECK(tokens_released(table, 1002, 1002).empty());
  CHECK(tokens_released(table, 5, 4).empty());
  CHECK(table.is_ahead(completion_range{1002, 1002, false}));
  CHECK(!table.is_ahead(completion_range{1001, 1001, false}));
  CHECK(!table.is_ahead(completion_range{900, 999, false}));
  CHECK((tokens_released(table, 0, UINT32_MAX - 1) == std::vector<uint32_t>{1, 2}));
}

void the_oldest_id_blocks_the_window() {
  in_flight_table table(4);
  CHECK_EQUAL(table.capacity(), 4);
  for (uint32_t token = 0; token < 4; token++) {
    CHECK(table.has_room());
    table.add(token, 0);
  }
  CHECK(!table.has_room());
  tokens_released(table, 1, 3);
  CHECK_EQUAL(table.size(), 1);
  CHECK(!table.has_room());
  tokens_released(table, 0, 0);
  CHECK(table.has_room(3));
  CHECK(!table.has_room(4));
}

void a_skipped_id_is_nobodys() {
  in_flight_table table(4);
  table.add(1, 0);
  table.skip();
  CHECK_EQUAL(table.add(2, 0), 2);
  CHECK((tokens_released(table, 0, 2) == std::vector<uint32_t>{1, 2}));
  table.skip();
  CHECK(table.has_room(3));
}

void like_a_map_over_random_orders() {
  std::mt19937 random(20251122);
  in_flight_table table(64);
  uint32_t start = UINT32_MAX - 5000;
  table.rebase(start);
  std::map<uint32_t, uint32_t> model;  // id to token
  uint32_t token = 0;
  for (int step = 0; step < 20000; step++) {
    if (random() % 2 == 0 && table.has_room()) {
      uint32_t id = table.add(token, 0);
      model[id] = token++;
      continue;
    }
    uint32_t lo = table.next_id() - random() % 80;
    uint32_t hi = lo + random() % 6;
    std::vector<uint32_t> expected;
    for (uint32_t id = lo; id != hi + 1; id++) {
      auto found = model.find(id);
      if (found == model.end()) continue;
      expected.push_back(found->second);
      model.erase(found);
    }
    CHECK(tokens_released(table, lo, hi) == expected);
    CHECK_EQUAL(table.size(), model.size());
  }
  CHECK(table.next_id() < start);
}

// An id that no message has been given yet: somebody else sends on the socket.
void a_range_ahead_is_told_across_the_wrap() {
  in_flight_table table(8);
  table.rebase(UINT32_MAX);
  CHECK(!table.is_ahead(completion_range{UINT32_MAX - 1, UINT32_MAX - 1, false}));
  CHECK(table.is_ahead(completion_range{UINT32_MAX, UINT32_MAX, false}));
  CHECK(table.is_ahead(completion_range{UINT32_MAX, 0, false}));
  for (uint32_t token = 0; token < 3; token++) table.add(token, 0);
  CHECK_EQUAL(table.next_id(), 2);
  CHECK(!table.is_ahead(completion_range{UINT32_MAX, UINT32_MAX, false}));
  CHECK(!table.is_ahead(completion_range{UINT32_MAX, 1, false}));
  CHECK(table.is_ahead(completion_range{UINT32_MAX, 2, false}));
}

void everything_left_is_taken_out() {
  in_flight_table table(8);
  table.rebase(UINT32_MAX - 1);
  for (uint32_t token = 0; token < 4; token++) table.add(token, 0);
  tokens_released(table, 0, 0);
  std::vector<uint32_t> left;
  table.clear([&](const in_flight_table::entry& entry, uint32_t) { left.push_back(entry.token); });
  CHECK((left == std::vector<uint32_t>{0, 1, 3}));
  CHECK_EQUAL(table.size(), 0);
  CHECK_EQUAL(table.next_id(), 2);
}

}  // namespace

const named_test table_tests[] = {
    {"a range counts across the wrap", range_counts_across_the_wrap},
    {"messages are released in any order", release_in_any_order},
    {"messages are released across the wrap", release_across_the_wrap},
    {"a range of other ids releases nothing", a_range_of_other_ids_releases_nothing},
    {"the oldest id blocks the window", the_oldest_id_blocks_the_window},
    {"a skipped id is nobody's", a_skipped_id_is_nobodys},
    {"a range ahead is told across the wrap", a_range_ahead_is_told_across_the_wrap},
    {"everything that is left is taken out", everything_left_is_taken_out},
    {"the table is like a map over random orders", like_a_map_over_random_orders},
    {nullptr, nullptr},
};
