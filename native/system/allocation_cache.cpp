#include "system/allocation_cache.h"

#include <sys/mman.h>

#include <cstdlib>
#include <mutex>
#include <new>
#include <unordered_map>
#include <vector>

#include "system/sanitizer.h"

namespace resnet {

namespace {

constexpr std::size_t kMinCachedBytes = std::size_t{64} << 10;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

/// In front of each block, because a deleter gets nothing but the block's address. Its size is libtorch's alignment.
struct alignas(64) Header {
  std::shared_ptr<State> owner;  ///< null for a block of the inner allocator
  std::size_t bytes;             ///< header included, rounded up
};
static_assert(sizeof(Header) == 64);

std::size_t round_up_to_pages(std::size_t bytes) {
  const auto unit = bytes < kHugePage ? kMinCachedBytes : kHugePage;
  return (bytes + unit - 1) / unit * unit;
}

Header* header_of(void* block) { return static_cast<Header*>(block) - 1; }

}  // namespace

struct State : std::enable_shared_from_this<State> {
  std::mutex mutex;
  std::unordered_map<std::size_t, std::vector<void*>> idle;  ///< by size, header included
  std::size_t idle_bytes = 0;
  bool closed = false;

  void* take(std::size_t bytes) {
    const std::lock_guard lock(mutex);
    const auto found = idle.find(bytes);
    if (found == idle.end() || found->second.empty()) return nullptr;
    auto* memory = found->second.back();
    found->second.pop_back();
    idle_bytes -= bytes;
    return memory;
  }

  void give_back(void* memory, std::size_t bytes) {
    {
      const std::lock_guard lock(mutex);
      if (!closed) {
        idle[bytes].push_back(memory);
        idle_bytes += bytes;
        return;
      }
    }
    std::free(memory);
  }

  void close() {
    const std::lock_guard lock(mutex);
    closed = true;
    for (const auto& [bytes, blocks] : idle) {
      for (auto* memory : blocks) std::free(memory);
    }
    idle.clear();
    idle_bytes = 0;
  }
};

namespace {

thread_local State* current = nullptr;
c10::Allocator* inner_allocator = nullptr;

void* allocate_from(State& state, std::size_t needed) {
  const auto bytes = round_up_to_pages(needed);
  auto* memory = state.take(bytes);
  if (memory == nullptr) {
    memory = std::aligned_alloc(bytes < kHugePage ? alignof(Header) : kHugePage, bytes);
    if (memory == nullptr) throw std::bad_alloc();
    if (bytes >= kHugePage) madvise(memory, bytes, MADV_HUGEPAGE);
  }
  return new (memory) Header{state.shared_from_this(), bytes} + 1;
}

void release(void* block) {
  if (block == nullptr) return;
  auto* header = header_of(block);
  const auto owner = std::move(header->owner);
  const auto bytes = header->bytes;
  header->~Header();
  if (owner == nullptr) {
    inner_allocator->raw_deallocate(header);
  } else {
    owner->give_back(header, bytes);
  }
}

class CachingAllocator : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    if (bytes == 0) return {nullptr, nullptr, &release, c10::Device(c10::kCPU)};
    const auto needed = bytes + sizeof(Header);
    void* block = nullptr;
    if (current != nullptr && needed >= kMinCachedBytes && !kAddressSanitizer) {
      block = allocate_from(*current, needed);
    } else {
      block = new (inner_allocator->raw_allocate(needed)) Header{nullptr, needed} + 1;
    }
    return {block, block, &release, c10::Device(c10::kCPU)};
  }
  [[nodiscard]] c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override { default_copy_data(to, from, bytes); }
};

}  // namespace

AllocationCache::AllocationCache() : state_(std::make_shared<State>()) {}

AllocationCache::~AllocationCache() { state_->close(); }

AllocationCache::Scope::Scope(AllocationCache& cache) : previous_(current) { current = cache.state_.get(); }

AllocationCache::Scope::~Scope() { current = previous_; }

std::size_t AllocationCache::idle_bytes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->idle_bytes;
}

c10::Allocator& make_caching_allocator(c10::Allocator& inner) {
  inner_allocator = &inner;
  static auto* const allocator = new CachingAllocator;
  return *allocator;
}

}  // namespace resnet
