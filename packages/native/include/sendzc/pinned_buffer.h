// Keeps the memory of a JavaScript ArrayBuffer alive while the kernel may read it.
//
// A Node-API reference is not enough. It keeps the ArrayBuffer object alive, but not its memory: a transfer (postMessage, structuredClone,
// ArrayBuffer.prototype.transfer) moves the memory to another owner, who may free it, and the end of an environment drops every reference.
// A pin therefore holds V8's backing store, which is reference counted on its own, from any thread, beyond detaching and beyond the
// isolate. The one function that a pin needs has had the same signature in every V8 of Node.js 20, 22 and 24. It is declared here, not
// included, so that the addon stays independent of V8's headers, and weak, so that a runtime without it can be recognised (see
// pinning_available).
#pragma once

#include <node_api.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace v8 {
class BackingStore;
class ArrayBuffer {
 public:
  __attribute__((weak)) std::shared_ptr<BackingStore> GetBackingStore();
};
}  // namespace v8

namespace sendzc {

using memory_pin = std::shared_ptr<v8::BackingStore>;

inline bool pinning_available() {
  std::shared_ptr<v8::BackingStore> (v8::ArrayBuffer::*function)() = &v8::ArrayBuffer::GetBackingStore;
  return function != nullptr;
}

// `buffer` must be an ArrayBuffer or SharedArrayBuffer: a napi_value is a V8 handle slot.
inline memory_pin pin_array_buffer(napi_value buffer) { return reinterpret_cast<v8::ArrayBuffer*>(buffer)->GetBackingStore(); }

// Bytes pinned in this process by all environments of one addon, and bytes left pinned on purpose. For tests and statistics.
inline std::atomic<int64_t> process_pinned_bytes{0};
inline std::atomic<int64_t> process_leaked_bytes{0};

// Pins in singly linked chains, one chain for the segments of one message. The number of pins is bounded; the memory grows with those in
// use at once.
class pin_pool {
 public:
  static constexpr uint32_t none = UINT32_MAX;

  explicit pin_pool(uint32_t capacity) : free_count_(capacity), capacity_(capacity) {}
  pin_pool(const pin_pool&) = delete;
  pin_pool& operator=(const pin_pool&) = delete;

  uint32_t free_count() const { return free_count_; }
  int64_t pinned_bytes() const { return pinned_bytes_; }

  // Prepends a pin to `chain`. The caller has checked free_count(). `tag` comes back through release(chain, visit).
  uint32_t push(uint32_t chain, memory_pin pin, size_t bytes, uint32_t tag = none) {
    if (free_head_ == none) grow();
    uint32_t at = free_head_;
    node& n = nodes_[at];
    free_head_ = n.next;
    free_count_--;
    n.pin = std::move(pin);
    n.bytes = bytes;
    n.tag = tag;
    n.next = chain;
    pinned_bytes_ += static_cast<int64_t>(bytes);
    process_pinned_bytes.fetch_add(static_cast<int64_t>(bytes), std::memory_order_relaxed);
    return at;
  }

  // Drops every pin of the chain: only when the kernel has let go of the memory, or never had it.
  void release(uint32_t chain) {
    release(chain, [](uint32_t) {});
  }
  // Does the same and calls `visit` with the tag of each pin.
  template <typename Visit>
  void release(uint32_t chain, Visit visit) {
    while (chain != none) {
      node& n = nodes_[chain];
      uint32_t next = n.next;
      visit(n.tag);
      n.pin.reset();
      unaccount(n.bytes);
      n.next = free_head_;
      free_head_ = chain;
      free_count_++;
      chain = next;
    }
  }

  // Keeps every pin of the chain for the life of the process: the kernel may still read the memory, and no notification will say when it
  // stops. Memory that is freed on its way to the network leaks information, which is worse than a leak of memory.
  int64_t leak(uint32_t chain) {
    int64_t leaked = 0;
    while (chain != none) {
      node& n = nodes_[chain];
      uint32_t next = n.next;
      // Deliberately never deleted.
      auto* kept = new (std::nothrow) memory_pin(n.pin);
      if (kept == nullptr) __builtin_trap();
      leaked += static_cast<int64_t>(n.bytes);
      chain = next;
    }
    process_leaked_bytes.fetch_add(leaked, std::memory_order_relaxed);
    return leaked;
  }

 private:
  struct node {
    memory_pin pin;
    size_t bytes = 0;
    uint32_t tag = none;
    uint32_t next = none;
  };

  static constexpr size_t first_nodes = 8;

  // Indices stay the same; the pins move with their nodes.
  void grow() {
    auto from = static_cast<uint32_t>(nodes_.size());
    auto to = static_cast<uint32_t>(std::min<size_t>(capacity_, std::max(first_nodes, nodes_.size() * 2)));
    nodes_.resize(to);
    for (uint32_t i = from; i < to; i++) nodes_[i].next = i + 1 < to ? i + 1 : none;
    free_head_ = from;
  }

  void unaccount(size_t bytes) {
    pinned_bytes_ -= static_cast<int64_t>(bytes);
    process_pinned_bytes.fetch_sub(static_cast<int64_t>(bytes), std::memory_order_relaxed);
  }

  std::vector<node> nodes_;
  uint32_t free_head_ = none;
  uint32_t free_count_ = 0;
  uint32_t capacity_ = 0;
  int64_t pinned_bytes_ = 0;
};

}  // namespace sendzc
