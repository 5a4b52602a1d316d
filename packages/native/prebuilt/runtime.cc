// What an addon needs of a C++ library, so that a prebuilt one links none: libstdc++ would bring symbols of the C library of the machine
// that built it. Its headers are used all the same, and they alone: V8 hands out a std::shared_ptr of libstdc++, and its layout is theirs.
// Nothing here is exported (scripts/prebuilt/addon.map).
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <new>

// glibc 2.32 has it, where shared_ptr asks whether it can do without atomics: never.
extern "C" {
char __libc_single_threaded = 0;

void __cxa_pure_virtual() { abort(); }

// Guards of function-local statics (Itanium C++ ABI, 3.3.3): the first byte says that the object is made, the second is ours.
int __cxa_guard_acquire(uint8_t* guard) {
  for (;;) {
    if (__atomic_load_n(&guard[0], __ATOMIC_ACQUIRE) != 0) return 0;
    uint8_t free = 0;
    if (__atomic_compare_exchange_n(&guard[1], &free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
      if (__atomic_load_n(&guard[0], __ATOMIC_ACQUIRE) == 0) return 1;
      __atomic_store_n(&guard[1], 0, __ATOMIC_RELEASE);
      return 0;
    }
    sched_yield();
  }
}
void __cxa_guard_release(uint8_t* guard) {
  __atomic_store_n(&guard[0], 1, __ATOMIC_RELEASE);
  __atomic_store_n(&guard[1], 0, __ATOMIC_RELEASE);
}

// Before glibc 2.33 fstat() stood in a static part of the library, and that of the compiler used here keeps an errno of its own.
// The kernel's structure is the C library's, on x86-64 and on arm64.
int fstat(int fd, struct stat* into) { return static_cast<int>(syscall(SYS_fstat, fd, into)); }
}

namespace std {
const nothrow_t nothrow{};
void __throw_length_error(const char*) { abort(); }
void __throw_bad_alloc() { abort(); }
void __throw_bad_array_new_length() { abort(); }
// Asked where run-time types are compared; without them make_shared's own tag is the only one.
bool _Sp_make_shared_tag::_S_eq(const type_info&) noexcept { return false; }
}  // namespace std

void* operator new(size_t bytes, const std::nothrow_t&) noexcept { return malloc(bytes == 0 ? 1 : bytes); }
void* operator new(size_t bytes) {
  void* memory = operator new(bytes, std::nothrow);
  if (memory == nullptr) abort();
  return memory;
}
void* operator new[](size_t bytes, const std::nothrow_t&) noexcept { return operator new(bytes, std::nothrow); }
void* operator new[](size_t bytes) { return operator new(bytes); }
void operator delete(void* memory) noexcept { free(memory); }
void operator delete(void* memory, size_t) noexcept { free(memory); }
void operator delete[](void* memory) noexcept { free(memory); }
void operator delete[](void* memory, size_t) noexcept { free(memory); }
