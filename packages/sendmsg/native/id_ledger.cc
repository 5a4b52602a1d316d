#include "id_ledger.h"

#include <utility>

namespace sendzc {

uint32_t id_ledger::notified(const completion_range& range, release_sink& releases) {
  if (state_ == state::lost || (state_ == state::unknown && table_.size() == 0)) return range.count();
  if (state_ == state::unknown) return calibrate(range, releases);
  uint32_t next = table_.next_id();
  if (probing_) {
    saw_next_ = saw_next_ || range.contains(next);
    saw_after_next_ = saw_after_next_ || range.contains(next + 1);
  }
  uint32_t ours = table_.release(
      range, [&](const in_flight_table::entry& entry, uint32_t) { releases.on_released(entry.token, entry.chain, range.copied); });
  if ((next_is_suspect_ || doubt_.active) && !probing_ && range.contains(next)) {
    next_is_suspect_ = false;
    table_.skip();
    ours++;
    doubtful_message ended = std::exchange(doubt_, doubtful_message{});
    if (ended.active) releases.on_released(ended.token, ended.chain, range.copied);
  }
  // Somebody else sends with zero-copy on this socket. No id can be attributed to its sender any more, so nothing more is released.
  if (!probing_ && table_.is_ahead(range)) state_ = state::lost;
  return range.count() - ours;
}

// One message of this driver is in flight, alone, and none of anybody else's can be: the notified id is that message's.
uint32_t id_ledger::calibrate(const completion_range& range, release_sink& releases) {
  uint32_t provisional = table_.next_id() - 1;
  table_.release(completion_range{provisional, provisional, range.copied},
                 [&](const in_flight_table::entry& entry, uint32_t) { releases.on_released(entry.token, entry.chain, range.copied); });
  table_.rebase(range.hi + 1);
  state_ = state::known;
  return range.count() - 1;
}

void id_ledger::begin_probe() {
  probing_ = true;
  saw_next_ = saw_after_next_ = false;
}

void id_ledger::end_probe(release_sink& releases) {
  probing_ = false;
  // The message in doubt was abandoned meanwhile.
  if (!doubt_.active) return;
  if (!saw_next_ && !saw_after_next_) return give_up_doubt(releases);
  doubtful_message ended = std::exchange(doubt_, doubtful_message{});
  if (saw_after_next_) {
    uint32_t id = table_.add(ended.token, ended.chain);
    table_.skip();
    // Otherwise the notification of the message is yet to come.
    if (saw_next_) {
      table_.release(completion_range{id, id, false},
                     [&](const in_flight_table::entry& entry, uint32_t) { releases.on_released(entry.token, entry.chain, false); });
    }
  } else {
    table_.skip();
    releases.on_unshared(ended.token, ended.chain);
  }
}

void id_ledger::give_up_doubt(release_sink& releases) {
  state_ = state::lost;
  doubtful_message ended = std::exchange(doubt_, doubtful_message{});
  releases.on_abandoned(ended.token, ended.chain);
}

void id_ledger::abandon(release_sink& releases) {
  table_.clear([&](const in_flight_table::entry& entry, uint32_t) { releases.on_abandoned(entry.token, entry.chain); });
  doubtful_message ended = std::exchange(doubt_, doubtful_message{});
  if (ended.active) releases.on_abandoned(ended.token, ended.chain);
}

}  // namespace sendzc
