#include "system/allocation_cache.h"

#include <ATen/ATen.h>
#include <c10/core/CPUAllocator.h>

#include <optional>

#include "test/support.h"

namespace resnet {
namespace {

/// Installs the caching allocator for as long as it lives.
class Installed {
 public:
  Installed() : previous_(*c10::GetCPUAllocator()) {
    static auto& allocator = make_caching_allocator(previous_);
    c10::SetCPUAllocator(&allocator);
  }
  ~Installed() { c10::SetCPUAllocator(&previous_); }
  Installed(const Installed&) = delete;
  Installed& operator=(const Installed&) = delete;

 private:
  c10::Allocator& previous_;
};

constexpr int64_t kMegabyte = int64_t{1} << 20;

at::Tensor bytes(int64_t count) { return at::empty({count}, at::kByte).fill_(7); }

}  // namespace

TEST(AllocationCache, GivesABlockOfTheSameSizeAgain) {
  if (!kMeasurableMemory) GTEST_SKIP() << "a sanitizer guards the memory of each tensor";
  const Installed installed;
  AllocationCache cache;
  const AllocationCache::Scope scope(cache);
  const auto* first = bytes(3 * kMegabyte).const_data_ptr();
  EXPECT_EQ(cache.idle_bytes(), 4 * kMegabyte);
  const auto other = bytes(kMegabyte);
  const auto again = bytes(3 * kMegabyte + 100);  // rounded up to the same size
  EXPECT_EQ(again.const_data_ptr(), first);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(first) % 64, 0U);
  EXPECT_EQ(cache.idle_bytes(), 0U);
}

TEST(AllocationCache, SmallTensorsAndOtherThreadsDoNotUseIt) {
  const Installed installed;
  AllocationCache cache;
  const AllocationCache::Scope scope(cache);
  bytes(1000);
  on_threads(1, [](int) { bytes(3 * kMegabyte); });
  EXPECT_EQ(at::empty({0}).numel(), 0);
  EXPECT_EQ(cache.idle_bytes(), 0U);
}

TEST(AllocationCache, ATensorMayOutliveIt) {
  const Installed installed;
  std::optional<at::Tensor> kept;
  {
    AllocationCache cache;
    const AllocationCache::Scope scope(cache);
    kept = bytes(3 * kMegabyte);
    bytes(5 * kMegabyte);
  }
  EXPECT_EQ(kept->sum().item<int64_t>(), 7 * 3 * kMegabyte);
  kept.reset();
  // raw_allocate, which libtorch's convolutions use.
  auto* allocator = c10::GetCPUAllocator();
  auto* memory = allocator->raw_allocate(kMegabyte);
  allocator->raw_deallocate(memory);
}

TEST(AllocationCache, ItsMemoryGoesBackWithIt) {
  if (!kMeasurableMemory) GTEST_SKIP() << "a sanitizer needs memory of its own";
  const Installed installed;
  const auto before = resident_bytes();
  {
    AllocationCache cache;
    const AllocationCache::Scope scope(cache);
    bytes(200 * kMegabyte);
    EXPECT_GT(resident_bytes() - before, 150 * kMegabyte);
  }
  EXPECT_LT(resident_bytes() - before, 20 * kMegabyte);
}

}  // namespace resnet
