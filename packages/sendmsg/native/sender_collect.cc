// Collecting: from the notifications of a socket to releases, and the doubt about a datagram that failed.
#include "next_id_probe.h"
#include "sender.h"

namespace sendzc {

void sender::settle(release_sink& releases) {
  if (attached_) {
    attached_ = false;
    since_collection_ = 0;
    releases_ = &releases;
    source_->read(*this);
    releases_ = nullptr;
  } else if (source_ != nullptr && !source_->rides_on_sends() && is_due(0)) {
    collect(releases, false);
  }
  if (ids_.is_in_doubt()) resolve_doubt(releases);
}

uint32_t sender::collect(release_sink& releases, bool force) {
  since_collection_ = 0;
  if (source_ == nullptr || (in_flight() == 0 && !force)) return 0;
  uint32_t found = run_source(releases, force);
  if (ids_.is_in_doubt()) resolve_doubt(releases);
  return found;
}

uint32_t sender::run_source(release_sink& releases, bool force) {
  if (collect_retry_.left_ms() > 0) return 0;
  releases_ = &releases;
  collect_result result = source_->collect(fd(), force, *this);
  if (result.error == 0) {
    collect_retry_.succeeded();
  } else if (!collect_retry_.failed()) {
    give_up_notifications(result);
  }
  releases_ = nullptr;
  last_collection_was_complete_ = result.error == 0 && !result.cut_short;
  counters_.collect_calls += result.calls;
  counters_.empty_collect_calls += result.empty;
  return result.found;
}

// Notifications cannot be read, so nothing will say when the memory in flight is free.
void sender::give_up_notifications(const collect_result& failed) {
  pending_error_ = failed.error;
  pending_call_ = failed.failed;
  collect_retry_.succeeded();
  ids_.lose_count();
  abandon(*releases_);
}

void sender::on_range(const completion_range& range) {
  counters_.notifications++;
  counters_.notified_ids += range.count();
  // There is no sink before the first send: see earlier_sends_are_done().
  counters_.unknown_ids += releases_ == nullptr ? range.count() : ids_.notified(range, *releases_);
}

// Decides whether the failed datagram used up an id. Most often its notification is here, since the packet was dropped within the call. If
// it is not, the datagram had no id, or a fragment of it is still on its way: the id of a datagram that is begun and dropped then decides.
// Where none can be begun, the doubt lasts until the socket has room or the last message in flight is released; then it is asked again, and
// ends.
void sender::resolve_doubt(release_sink& releases) {
  run_source(releases, true);
  if (!ids_.is_in_doubt()) return;
  int error = use_up_next_id(fd(), domain_);
  doubt_waits_for_room_ = error == -EAGAIN;
  if (error != 0) {
    if (!doubt_waits_for_room_ && ids_.only_doubt_left()) ids_.give_up_doubt(releases);
    return;  // until then everything is copied
  }
  ids_.begin_probe();
  run_source(releases, true);
  ids_.end_probe(releases);
}

}  // namespace sendzc
