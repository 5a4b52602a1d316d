// A test program without a framework: named tests, each run by its name.
#pragma once

#include <cstdio>
#include <cstdlib>

#define CHECK(condition)                                                        \
  do {                                                                          \
    if (!(condition)) {                                                         \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                                  \
    }                                                                           \
  } while (0)

#define CHECK_EQUAL(left, right)                                                                            \
  do {                                                                                                      \
    long long left_value = static_cast<long long>(left);                                                    \
    long long right_value = static_cast<long long>(right);                                                  \
    if (left_value != right_value) {                                                                        \
      fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #left, left_value, right_value); \
      exit(1);                                                                                              \
    }                                                                                                       \
  } while (0)

struct named_test {
  const char* name;
  void (*run)();
};

extern const named_test table_tests[];
extern const named_test ledger_tests[];
extern const named_test notification_tests[];
extern const named_test sender_tests[];
extern const named_test failed_send_tests[];
extern const named_test envelope_tests[];
