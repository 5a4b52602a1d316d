// Without an argument: prints the names of the tests. With one: runs that test; exit status 0 is success.
#include <cstring>
#include <initializer_list>

#include "check.h"

int main(int argc, char** argv) {
  for (const named_test* group : {table_tests, ledger_tests, notification_tests, sender_tests, failed_send_tests, envelope_tests}) {
    for (const named_test* test = group; test->name != nullptr; test++) {
      if (argc < 2) {
        puts(test->name);
      } else if (strcmp(test->name, argv[1]) == 0) {
        test->run();
        return 0;
      }
    }
  }
  return argc < 2 ? 0 : 2;
}
