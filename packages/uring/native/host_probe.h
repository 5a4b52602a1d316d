// What this host offers, found with a ring of its own.
#pragma once

#include "send_engine.h"

namespace sendzc {

struct host_findings {
  uint32_t setup_flags = 0;
  bool send_zc = false;
  bool sendmsg_zc = false;
  bool reports_usage = false;
};

// 0 or the negated errno of io_uring_setup.
inline int probe_host(const ring_settings& settings, host_findings& findings) {
  ring trial;
  int result = trial.open(settings);
  if (result != 0) return result;
  findings.setup_flags = trial.setup_flags();
  findings.send_zc = trial.supports(IORING_OP_SEND_ZC);
  findings.sendmsg_zc = trial.supports(IORING_OP_SENDMSG_ZC);
  trial.close();
  send_engine engine;
  if (engine.open(settings) == 0) findings.reports_usage = engine.reports_usage();
  return 0;
}

}  // namespace sendzc
