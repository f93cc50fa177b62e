#include "system/persistent_memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "test/support.h"

namespace resnet {
namespace {

TEST(PersistentMemory, IsAnOrdinaryTensor) {
  for (const int64_t length : {int64_t{0}, int64_t{3}, kMinMappedBytes / 4 - 1, kMinMappedBytes / 4, kMinMappedBytes}) {
    auto tensor = allocate_persistent({2, length});
    tensor.fill_(0.5);
    EXPECT_EQ(tensor.sizes(), (at::IntArrayRef{2, length}));
    EXPECT_EQ(tensor.scalar_type(), at::kFloat);
    EXPECT_TRUE(tensor.is_contiguous());
    EXPECT_EQ(tensor.sum().item<double>(), static_cast<double>(length));
  }
  EXPECT_EQ(allocate_persistent({}, at::kLong).scalar_type(), at::kLong);
}

TEST(PersistentMemory, ReturnsToTheSystemDespiteNeighborsInUse) {
  if (!kMeasurableMemory) GTEST_SKIP() << "a sanitizer needs memory of its own";
  constexpr int64_t kBytes = int64_t{1} << 20;
  at::empty({32 * kBytes}, at::kByte);  // freeing a large block makes malloc keep freed memory
  std::vector<at::Tensor> freed;
  std::vector<at::Tensor> kept;
  const auto before = resident_bytes();
  for (int i = 0; i < 64; i++) {
    freed.push_back(allocate_persistent({kBytes}, at::kByte).fill_(1));
    kept.push_back(at::ones({1024}));
  }
  EXPECT_GT(resident_bytes() - before, 60 * kBytes);
  freed.clear();
  EXPECT_LT(resident_bytes() - before, 4 * kBytes);
}

TEST(PersistentMemory, ThrowsWhenTheSystemHasNoMoreMemory) {
  if (!kMeasurableMemory) GTEST_SKIP() << "a sanitizer reports it";
  constexpr int64_t kMoreThanAddresses = int64_t{1} << 60;
  EXPECT_ANY_THROW(allocate_persistent({kMoreThanAddresses}, at::kByte));
  EXPECT_EQ(allocate_persistent({kMinMappedBytes}).fill_(1).sum().item<double>(), static_cast<double>(kMinMappedBytes));
}

}  // namespace
}  // namespace resnet
