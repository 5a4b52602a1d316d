// Accounts for the notification ids of one socket. The ledger knows no socket: its caller reports what was sent and what was notified.
//
// The kernel counts: each successful sendmsg with MSG_ZEROCOPY and at least one byte takes the next 32-bit id of the socket
// (msg_zerocopy_realloc), a failed one gives it back (net_zcopy_put_abort). The caller sees an id only in its notification, so the ledger
// counts along. It must never be off by one: the notification of another message would free memory that is still on its way to the network.
// An id that is unknown or in doubt is therefore a state of its own.
#pragma once

#include <cstdint>

#include "release_sink.h"
#include "sendzc/completion_range.h"
#include "sendzc/in_flight_table.h"

namespace sendzc {

class id_ledger {
 public:
  // `starts_at_zero`: nobody has sent with zero-copy before. Otherwise the first notification of a message that is alone in flight gives
  // its id.
  id_ledger(uint32_t min_capacity, bool starts_at_zero) : table_(min_capacity), state_(starts_at_zero ? state::known : state::unknown) {}

  // The id of the next message is known.
  bool knows_next() const { return state_ == state::known && !doubt_.active; }
  // The id of the next message is unknown. That message may be sent alone: its notification then names the id.
  bool awaits_calibration() const { return state_ == state::unknown; }
  // A message failed, and may have used up the next id.
  bool is_in_doubt() const { return doubt_.active; }
  // Room for one message more than `pending`.
  bool has_room(uint32_t pending) const { return table_.has_room(pending); }
  // Messages that were sent, or are in doubt, and not released.
  uint32_t in_flight() const { return table_.size() + (doubt_.active ? 1 : 0); }
  // The message in doubt is the only one.
  bool only_doubt_left() const { return table_.size() == 0; }

  // This message took the next id.
  void sent(uint32_t token, uint32_t chain) { table_.add(token, chain); }
  // This message failed, and may have used up the next id. No other message gets one until the doubt ends.
  void failed_in_doubt(uint32_t token, uint32_t chain) { doubt_ = doubtful_message{true, token, chain}; }
  // While true, a notification of the next id is that of a failed send whose memory is not shared.
  void suspect_next(bool suspect) { next_is_suspect_ = suspect; }
  // The ids of the range are released. Returns how many of them belong to no message.
  uint32_t notified(const completion_range& range, release_sink& releases);

  // The caller has just used up one id on purpose, and its notification comes before end_probe(). end_probe() ends the doubt: the message
  // in doubt has the id before that one, or no id.
  void begin_probe();
  void end_probe(release_sink& releases);
  // No probe is possible: the message is abandoned, and the count is lost.
  void give_up_doubt(release_sink& releases);

  // Gives up counting: nothing is released from now on.
  void lose_count() { state_ = state::lost; }
  // Removes every message and reports each as abandoned.
  void abandon(release_sink& releases);

 private:
  enum class state { known, unknown, lost };

  struct doubtful_message {
    bool active = false;
    uint32_t token = 0;
    uint32_t chain = 0;
  };

  uint32_t calibrate(const completion_range& range, release_sink& releases);

  in_flight_table table_;
  state state_;
  doubtful_message doubt_;
  bool next_is_suspect_ = false;
  bool probing_ = false;
  bool saw_next_ = false;
  bool saw_after_next_ = false;
};

}  // namespace sendzc
