#include "system/persistent_memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "test/support.h"

namespace resnet {
namespace {

TEST(Lasting, IsATensorLikeAnyOther) {
  for (const int64_t length : {int64_t{0}, int64_t{3}, kOwnPages / 4 - 1, kOwnPages / 4, kOwnPages}) {
    auto tensor = allocate_persistent({2, length});
    tensor.fill_(0.5);
    EXPECT_EQ(tensor.sizes(), (at::IntArrayRef{2, length}));
    EXPECT_EQ(tensor.scalar_type(), at::kFloat);
    EXPECT_TRUE(tensor.is_contiguous());
    EXPECT_EQ(tensor.sum().item<double>(), static_cast<double>(length));
  }
  EXPECT_EQ(allocate_persistent({}, at::kLong).scalar_type(), at::kLong);
}

TEST(Lasting, GoesBackToTheSystemFromBetweenWhatStays) {
  if (!kMemoryIsOurs) GTEST_SKIP() << "a sanitizer has memory of its own";
  constexpr int64_t kBytes = int64_t{1} << 20;
  at::empty({32 * kBytes}, at::kByte);  // malloc takes this for a sign that large blocks come and go, and keeps them
  std::vector<at::Tensor> freed;
  std::vector<at::Tensor> kept;
  const auto before = resident();
  for (int i = 0; i < 64; i++) {
    freed.push_back(allocate_persistent({kBytes}, at::kByte).fill_(1));
    kept.push_back(at::ones({1024}));
  }
  EXPECT_GT(resident() - before, 60 * kBytes);
  freed.clear();
  EXPECT_LT(resident() - before, 4 * kBytes);
}

TEST(Lasting, SaysThatTheSystemHasNoMore) {
  if (!kMemoryIsOurs) GTEST_SKIP() << "a sanitizer reports it";
  constexpr int64_t kMoreThanAddresses = int64_t{1} << 60;
  EXPECT_ANY_THROW(allocate_persistent({kMoreThanAddresses}, at::kByte));
  EXPECT_EQ(allocate_persistent({kOwnPages}).fill_(1).sum().item<double>(), static_cast<double>(kOwnPages));
}

}  // namespace
}  // namespace resnet
