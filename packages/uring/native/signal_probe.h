// A property of the kernel that can only be found out by trying.
#pragma once

namespace sendzc {

// Whether each wake-up that queues deferred completion work (IORING_SETUP_DEFER_TASKRUN) signals the ring's eventfd. Linux 6.12.114 and
// others with its "io_uring: defer eventfd signaling when queued from a wakeup handler" signal once per ring and then never again: nothing
// clears the bit that marks a signal as pending (io_eventfd_do_signal, io_uring/eventfd.c). A send that waits for room would then wait for
// ever. Tried once per process: 1 or 0. -EMFILE or -ENFILE where the try lacks a descriptor, which says nothing about the kernel; 0 where
// the try fails for another reason.
// -ENFILE where the try lacks a descriptor, which says nothing of the kernel; 0 where it is not possible for another reason.
int deferred_work_is_signalled();

}  // namespace sendzc
