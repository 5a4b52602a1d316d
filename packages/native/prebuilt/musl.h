// What the headers of libstdc++, which were configured for glibc, expect of a C library and musl lacks. Nothing of it is called.
#pragma once

#include <locale.h>
#include <pthread.h>
#include <time.h>  // linux/errqueue.h leaves struct timespec to whoever includes it

typedef locale_t __locale_t;
extern "C" {
int pthread_cond_clockwait(pthread_cond_t*, pthread_mutex_t*, clockid_t, const struct timespec*);
int pthread_mutex_clocklock(pthread_mutex_t*, clockid_t, const struct timespec*);
}
