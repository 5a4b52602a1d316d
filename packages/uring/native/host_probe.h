// Finds out, with a ring of its own, what this host offers.
#pragma once

#include <errno.h>

#include "send_engine.h"

namespace sendzc {

struct host_findings {
  uint32_t setup_flags = 0;
  bool send_zc = false;
  bool sendmsg_zc = false;
  bool reports_usage = false;
};

// 0 or the negated errno of io_uring_setup. It opens one ring at a time: the kernel returns late what a closed ring was charged
// (RLIMIT_MEMLOCK), so that a second ring could be refused where a first had room.
inline int probe_host(const ring_settings& settings, host_findings& findings) {
  send_engine engine;
  int result = engine.open(settings);
  if (result == 0) {
    findings.setup_flags = engine.queue().setup_flags();
    findings.send_zc = findings.sendmsg_zc = true;
    findings.reports_usage = engine.reports_usage();
    engine.close_ring();
    return 0;
  }
  if (result != -EOPNOTSUPP) return result;
  ring trial;
  result = trial.open(settings);
  if (result != 0) return result;
  findings.setup_flags = trial.setup_flags();
  findings.send_zc = trial.supports(IORING_OP_SEND_ZC);
  findings.sendmsg_zc = trial.supports(IORING_OP_SENDMSG_ZC);
  trial.close();
  return 0;
}

}  // namespace sendzc
