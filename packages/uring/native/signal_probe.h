// A question about the kernel that only a try can answer.
#pragma once

namespace sendzc {

// Whether a wake-up that queues deferred completion work (IORING_SETUP_DEFER_TASKRUN) signals the ring's eventfd, each time. Linux 6.12.114
// and others with its "io_uring: defer eventfd signaling when queued from a wakeup handler" do so once per ring and then never again:
// nothing clears the bit that says that a signal is on its way (io_eventfd_do_signal, io_uring/eventfd.c). A send that waited for room
// would then wait for good. Tried once per process: 1 or 0. -EMFILE or
// -ENFILE where the try lacks a descriptor, which says nothing of the kernel; 0 where it is not possible for another reason.
int deferred_work_is_signalled();

}  // namespace sendzc
