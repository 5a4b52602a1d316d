// Constants of the io_uring interface (include/uapi/linux/io_uring.h, MIT or GPL) that the headers of liburing 2.3 lack,
// or that may be missing from an older <linux/io_uring.h>. Each names the kernel that brought it.
#pragma once

#include <liburing.h>

// Linux 6.2: the notification says whether the kernel fell back to copying.
#ifndef IORING_SEND_ZC_REPORT_USAGE
#define IORING_SEND_ZC_REPORT_USAGE (1U << 3)
#endif
// Linux 6.2: result bit of a notification: at least a part of the data was copied.
#ifndef IORING_NOTIF_USAGE_ZC_COPIED
#define IORING_NOTIF_USAGE_ZC_COPIED (1U << 31)
#endif
// Linux 5.18: an SQE that fails at submission does not stop those behind it.
#ifndef IORING_SETUP_SUBMIT_ALL
#define IORING_SETUP_SUBMIT_ALL (1U << 7)
#endif
// Linux 5.19: completions do not interrupt the task.
#ifndef IORING_SETUP_COOP_TASKRUN
#define IORING_SETUP_COOP_TASKRUN (1U << 8)
#endif
// Linux 5.19: the ring says when work waits for the task to enter the kernel.
#ifndef IORING_SETUP_TASKRUN_FLAG
#define IORING_SETUP_TASKRUN_FLAG (1U << 9)
#endif
#ifndef IORING_SQ_TASKRUN
#define IORING_SQ_TASKRUN (1U << 2)
#endif
// Linux 6.0: only one thread submits.
#ifndef IORING_SETUP_SINGLE_ISSUER
#define IORING_SETUP_SINGLE_ISSUER (1U << 12)
#endif
// Linux 6.1: completion work runs only when that thread asks for events.
#ifndef IORING_SETUP_DEFER_TASKRUN
#define IORING_SETUP_DEFER_TASKRUN (1U << 13)
#endif
// Linux 6.6: the ring has no index array; liburing 2.6 and later ask for it on their own.
#ifndef IORING_SETUP_NO_SQARRAY
#define IORING_SETUP_NO_SQARRAY (1U << 16)
#endif
